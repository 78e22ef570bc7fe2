// One micro-batch at a time through all stages and back: nothing overlaps.
#include "plan/schedules/rows.hpp"

namespace tandem {

Grid sequential_order(const ScheduleShape& shape) {
  Grid grid(shape.ranks);
  for (std::uint32_t rank = 0; rank < shape.ranks; ++rank)
    for (std::uint32_t batch = 0; batch < shape.micro_batches; ++batch) {
      grid[rank].push_back({rank, StepKind::forward, batch});
      grid[rank].push_back({rank, StepKind::backward, batch});
    }
  return grid;
}

}  // namespace tandem
