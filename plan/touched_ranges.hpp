#pragma once
// Which bytes of a buffer a step touches: steps of different streams may share a buffer as long as they keep apart.

#include <vector>

#include "plan/program.hpp"

namespace tandem {

/// Bytes [first, end).
struct ByteRange {
  std::int64_t first, end;
};

/// The bytes of the buffer that the step may touch; a superset where that is not known exactly.
std::vector<ByteRange> touched_ranges(const Program& program, StepId step, BufferId buffer);

bool overlap(const std::vector<ByteRange>& a, const std::vector<ByteRange>& b);

}  // namespace tandem
