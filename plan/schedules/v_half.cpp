// V-Half (2405.15362): half the activations of 1F1B. Forward takes two slots a stage on the way down and one on the way
// up, I one on the way up and two on the way down, so each rank's two stages together hold about p chunks (half a
// rank's layers each). The times are those of the paper's stable pattern; an even number of ranks waits 3 slots before
// I comes down, or its steps would collide.
#include "plan/schedules/rows.hpp"
#include "plan/schedules/v_pattern.hpp"

namespace tandem {
namespace {

VPattern v_half_pattern(std::uint32_t ranks, std::uint32_t rank) {
  const std::uint32_t wait = ranks % 2 == 0 ? 3 : 0;
  return {2 * rank, 3 * ranks - rank - 2, 3 * ranks + wait + 2 * rank - 1, 6 * ranks + wait - rank - 2};
}

}  // namespace

Grid v_half_order(const ScheduleShape& shape) { return v_order(shape, v_half_pattern); }

}  // namespace tandem
