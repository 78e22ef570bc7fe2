#pragma once
// The chain of steps that made the iteration as long as it was.

#include <vector>

#include "plan/timeline.hpp"

namespace tandem {

/// Every instant of the iteration is charged once, so the three times add up to the makespan.
struct CriticalPath {
  std::vector<StepId> steps;  ///< in the order of time; of a message or a collective one step
  Picoseconds compute;        ///< in compute steps
  Picoseconds transfer;       ///< in messages and collectives
  Picoseconds waiting;        ///< between a step of the chain and the one that it let start
};

/// Walks back from the step that ended last: at each step to whichever ended last of the step before it on its stream,
/// its `after` edges and, for a message or a collective, those of its other ends. Ties go to the smaller id. The
/// Program is without cycles.
CriticalPath critical_path(const Program& program, const Timeline& timeline);

}  // namespace tandem
