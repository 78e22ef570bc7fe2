#pragma once
// How much memory a run may take on this machine.

#include <optional>
#include <string>

#include "base/units.hpp"
#include "plan/program.hpp"

namespace tandem {

/// The least of what the kernel calls available and what the control group leaves (version 2 or 1; its reclaimable file
/// cache counts as free). Absent where none can be read. `root` stands before every path, for tests.
std::optional<Bytes> available_memory(const std::string& root = "");

/// Throws ResourceError with both figures when `needed` is more than `available`.
void refuse_too_much(Bytes needed, std::optional<Bytes> available);

/// Throws ResourceError naming the first worker whose peak, by the memory script, is above `most`, with both figures.
void refuse_over_budget(const Program& program, Bytes most);

}  // namespace tandem
