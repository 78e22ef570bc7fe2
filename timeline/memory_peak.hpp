#pragma once
// What a worker holds at the instant at which it holds most.

#include <cstdint>
#include <string>
#include <vector>

#include "plan/program.hpp"

namespace tandem {

/// A tensor in a buffer whose places are fixed.
struct HeldTensor {
  std::string name;  ///< of its layer or parameter
  Bytes bytes;       ///< of one such tensor, as aligned in its buffer
};

/// Buffers of one row of the Program's table that are alive at once.
struct HeldBuffers {
  BufferSpecId spec;
  std::vector<std::uint32_t> micro_batches;  ///< ascending, one for each buffer; empty: held throughout the iteration
  std::int64_t count = 0;
  Bytes bytes;  ///< of all of them
};

struct PeakMoment {
  WorkerId worker{};
  StepId step = kNone<StepId>;      ///< kNone: what is there before the first step is the most
  Moment moment = Moment::start;    ///< of the step: after what is freed and allocated then
  Bytes total;                      ///< the worker's script_peaks().total
  std::vector<HeldBuffers> held;    ///< largest first; the sum is the total
};

/// By WorkerId: the first instant at which the worker's memory script is at its highest.
std::vector<PeakMoment> peak_moments(const Program& program);

/// What lies in each buffer of the row, largest first; empty where it is a workspace, whose tensors come and go.
std::vector<HeldTensor> held_tensors(const Program& program, const BufferSpec& spec);

/// "kept for backward": what a buffer of this content is for, in words.
std::string_view meaning_of(BufferContent content);

}  // namespace tandem
