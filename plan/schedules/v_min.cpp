// V-Min (2405.15362): a third of the activations of 1F1B, the least that a V can do. Every step follows its predecessor
// at once, so a micro-batch holds each rank's two stages for 4p + 2 slots of a period of 6. The times are those of the
// paper's stable pattern; a number of ranks that 3 divides waits 2 slots before I, or its steps would collide.
#include "plan/schedules/rows.hpp"
#include "plan/schedules/v_pattern.hpp"

namespace tandem {
namespace {

VPattern v_min_pattern(std::uint32_t ranks, std::uint32_t rank) {
  const std::uint32_t wait = ranks % 3 == 0 ? 2 : 0;
  return {rank, 2 * ranks - rank - 1, 2 * ranks + wait + rank, 4 * ranks + wait - rank - 1};
}

}  // namespace

Grid v_min_order(const ScheduleShape& shape) { return v_order(shape, v_min_pattern); }

}  // namespace tandem
