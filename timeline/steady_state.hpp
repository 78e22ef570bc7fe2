#pragma once
// A pipeline that updates its weights while micro-batches are under way: its fill, its steady state and its drain.

#include <optional>

#include "plan/timeline.hpp"

namespace tandem {

/// The steady state begins with the first backward of the worker that begins its own last: by then each has one under
/// way. It ends with the first backward that begins on a worker with no forward left. In between each micro-batch that
/// leaves the pipeline makes room for one that enters.
struct SteadyState {
  Picoseconds warm_up, steady, drain;  ///< their sum is the iteration
  std::uint32_t micro_batches = 0;     ///< that leave in the steady state
  double bubble = 0;                   ///< 1 - busy / steady within it, mean over workers; 0 where it has no length

  /// Of no micro-batch: nothing. Of stages with forward f and backward b and free messages the largest f + b.
  std::optional<Picoseconds> time_per_micro_batch() const;
};

/// Nothing where weights are updated once an iteration. Where no more micro-batches are streamed than the pipeline
/// holds the steady state is empty.
std::optional<SteadyState> steady_state(const Program& program, const Timeline& timeline);

}  // namespace tandem
