#pragma once
// How long a grid takes for given step times, and what each rank holds at most: schedules judged without a Program.

#include <cstdint>
#include <vector>

#include "base/units.hpp"
#include "plan/schedule.hpp"

namespace tandem {

/// What a schedule is judged by; every entry may differ. A message takes its time beside the computation, and none
/// where both stages live on one rank. Two messages never wait for each other.
struct ScheduleCosts {
  std::vector<Picoseconds> forward, input_gradient, weight_gradient;  ///< by stage; B takes as long as I and W
  std::vector<Picoseconds> message_forward, message_backward;  ///< by cut, stages - 1: latency and transfer
  /// By stage, of one micro-batch: what is held from the start of F to the end of B or I, and from there to the end of
  /// W. While I runs it is the larger of the two.
  std::vector<Bytes> kept, kept_after_input_gradient;
  std::vector<Bytes> budget;  ///< by rank, for these
};

struct RankEvaluation {
  Picoseconds busy, first_start, last_end;
  Bytes peak;
};

struct ScheduleEvaluation {
  Picoseconds makespan;  ///< from the start of the first action to the end of the last
  std::vector<RankEvaluation> ranks;
};

/// Throws InputError unless every list has an entry per stage, cut or rank, none of them negative.
void check_costs(const ScheduleCosts& costs, std::uint32_t stages, std::uint32_t ranks);

/// Every action starts as soon as those before it on its rank have ended and its message has come. A stage may live on
/// several ranks. The budget is not looked at. Throws InputError where an action is missing or stands before what it
/// needs on its own rank, and where the grid dead-locks.
ScheduleEvaluation evaluate(const Grid& grid, const ScheduleCosts& costs);

/// Whether every rank's peak is within its budget.
bool fits_budget(const ScheduleEvaluation& evaluation, const ScheduleCosts& costs);

}  // namespace tandem
