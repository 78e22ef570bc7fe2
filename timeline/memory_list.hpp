#pragma once
// What is alive at a worker's peak, as a list to read and as JSON.

#include <string>

#include <nlohmann/json_fwd.hpp>

#include "timeline/memory_peak.hpp"

namespace tandem {

struct MemoryListOptions {
  int width = 80;           ///< no line is longer, but below 40 counts as 40
  std::size_t rows = 8;     ///< rows of buffers; the others are summed in a last line
  std::size_t tensors = 4;  ///< of each row; tensors whose names differ in numbers alone count as one
};

/// "at the start of step F of micro-batch 3".
std::string when_text(const Program& program, const PeakMoment& peak);

/// A line with the peak and its instant, then the buffers alive then, largest first, each with its largest tensors;
/// every list that is cut short ends with the number and the sum of the rest.
std::string memory_list(const Program& program, const PeakMoment& peak, const MemoryListOptions& options = {});

/// All of it: worker, step, moment, micro_batch (null where it has none), total_bytes, held.
nlohmann::ordered_json peak_moment_json(const Program& program, const PeakMoment& peak);

}  // namespace tandem
