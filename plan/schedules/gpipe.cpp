// Fill and drain: all forwards, then all backwards. Backward runs in micro-batch order, so that gradients are summed in
// the same order as in the other synchronous schedules.
#include "plan/schedules/rows.hpp"

namespace tandem {

Grid gpipe_order(const ScheduleShape& shape) {
  Grid grid(shape.ranks);
  for (std::uint32_t rank = 0; rank < shape.ranks; ++rank)
    for (const StepKind kind : {StepKind::forward, StepKind::backward})
      for (std::uint32_t batch = 0; batch < shape.micro_batches; ++batch) grid[rank].push_back({rank, kind, batch});
  return grid;
}

}  // namespace tandem
