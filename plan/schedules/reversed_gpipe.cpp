// GPipe as its paper draws it: backward starts with the micro-batch whose forward ran last. Gradients are summed in
// another order than in the other synchronous schedules, so the last bits of the weights differ from theirs.
#include <algorithm>

#include "plan/schedules/rows.hpp"

namespace tandem {

Grid reversed_gpipe_order(const ScheduleShape& shape) {
  Grid grid = gpipe_order(shape);
  for (auto& row : grid) std::reverse(row.begin() + shape.micro_batches, row.end());
  return grid;
}

}  // namespace tandem
