// 1F1B with flush: rank s runs p - 1 - s forwards to fill the pipeline, then alternates, then drains; it never holds
// the activations of more than p - s micro-batches.
#include <algorithm>

#include "plan/schedules/rows.hpp"

namespace tandem {

Grid one_forward_one_backward_order(const ScheduleShape& shape) {
  Grid grid(shape.ranks);
  for (std::uint32_t rank = 0; rank < shape.ranks; ++rank) {
    const std::uint32_t ahead = std::min(shape.micro_batches, shape.ranks - 1 - rank);
    for (std::uint32_t batch = 0; batch < ahead; ++batch) grid[rank].push_back({rank, StepKind::forward, batch});
    for (std::uint32_t batch = 0; batch < shape.micro_batches; ++batch) {
      if (batch + ahead < shape.micro_batches) grid[rank].push_back({rank, StepKind::forward, batch + ahead});
      grid[rank].push_back({rank, StepKind::backward, batch});
    }
  }
  return grid;
}

}  // namespace tandem
