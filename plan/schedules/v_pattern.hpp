#pragma once
// V-shaped schedules from a repeating pattern (2405.15362): rank r runs stages r (on the way down) and 2p - 1 - r (up).

#include <array>
#include <cstdint>

#include "plan/schedule.hpp"

namespace tandem {

/// When a rank runs, for the first micro-batch: F on the way down, F up, I up, I down. The micro-batches follow each
/// other every 6 slots, one for each F, I and W of both stages; no two of a rank's times are equal modulo 6.
using VPattern = std::array<std::uint32_t, 4>;

/// F and I in the pattern's order; W (the oldest owed) wherever a rank, running as early as it can with steps of one
/// slot each, has no F or I that is ready, or no room for one: a rank holds the activations of no more stages and
/// micro-batches than any rank does that runs the pattern itself with W in its first free slots.
Grid v_order(const ScheduleShape& shape, VPattern (*pattern)(std::uint32_t ranks, std::uint32_t rank));

}  // namespace tandem
