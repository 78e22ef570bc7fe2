// Chimera (2107.06925): two copies of the model in opposite directions. Rank r runs stage r of the pipeline that goes
// down and stage p - 1 - r of the one that goes up. A unit of p micro-batches, half of them down, fits together without
// a collision when F and B take one slot each, as in figure 3: of a direction's k-th micro-batch, F of stage s is at
// s + 2k and B at 2p - 1 - s + 2k. Units follow each other by direct concatenation, every 2p slots.
#include "plan/schedules/lattice.hpp"
#include "plan/schedules/rows.hpp"

namespace tandem {

Grid chimera_order(const ScheduleShape& shape) {
  require_even_ranks("chimera", shape);
  Lattice lattice(shape.ranks);
  for (std::uint32_t batch = 0; batch < shape.micro_batches; ++batch) {
    const std::uint32_t first = batch / shape.ranks * shape.ranks;
    const std::uint32_t down = (std::min(shape.ranks, shape.micro_batches - first) + 1) / 2;
    const bool goes_up = batch - first >= down;
    const std::uint64_t start = 2 * (std::uint64_t{first} + batch - first - (goes_up ? down : 0));
    for (std::uint32_t stage = 0; stage < shape.ranks; ++stage) {
      const std::uint32_t rank = goes_up ? shape.ranks - 1 - stage : stage;
      lattice.put(rank, start + stage, {stage, StepKind::forward, batch});
      lattice.put(rank, start + 2 * std::uint64_t{shape.ranks} - 1 - stage, {stage, StepKind::backward, batch});
    }
  }
  return lattice.grid();
}

}  // namespace tandem
