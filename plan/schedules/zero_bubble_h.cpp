// ZB-H1 and ZB-H2 (2401.10241, the handcrafted schedules): 1F1B with B split into I, which the rank before waits for,
// and W, which nobody waits for. With depth h (1 or 2), rank s warms up with h (p - 1 - s) forwards and owes at most
// h s weight gradients, so that I hurries to the first ranks and W fills the drain of the last ones.
#include <algorithm>

#include "plan/schedules/row_builder.hpp"
#include "plan/schedules/rows.hpp"

namespace tandem {
namespace {

Grid zero_bubble_order(const ScheduleShape& shape, std::uint32_t depth) {
  Grid grid;
  for (std::uint32_t rank = 0; rank < shape.ranks; ++rank) {
    RowBuilder row;
    const std::size_t ahead = std::size_t{depth} * (shape.ranks - 1 - rank);
    for (std::size_t batch = 0; batch < std::min<std::size_t>(ahead, shape.micro_batches); ++batch) row.forward(rank);
    for (std::uint32_t batch = 0; batch < shape.micro_batches; ++batch) {
      if (row.forwards(rank) < shape.micro_batches) row.forward(rank);
      row.input_gradient(rank);
      if (row.owed() > std::size_t{depth} * rank) row.weight_gradient();
    }
    grid.push_back(row.finish());
  }
  return grid;
}

}  // namespace

Grid zero_bubble_h1_order(const ScheduleShape& shape) { return zero_bubble_order(shape, 1); }
Grid zero_bubble_h2_order(const ScheduleShape& shape) { return zero_bubble_order(shape, 2); }

}  // namespace tandem
