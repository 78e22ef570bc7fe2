#pragma once
// The order of a plan's steps: a row of the schedule table, or a file of the user's own.

#include "plan/plan.hpp"
#include "plan/schedule.hpp"

namespace tandem {

/// A pipeline rank that runs a stage, with its own copy of the weights.
struct Holder {
  std::uint32_t rank, stage;
  bool splits_backward = false;
  bool operator==(const Holder& other) const { return rank == other.rank && stage == other.stage; }
};

/// In the order of ranks, then of stages.
std::vector<Holder> holders_of(const Grid& grid);

/// `auto`: the order is searched for when times are known; until then it is that of 1F1B.
bool is_automatic(const Plan& plan);

ScheduleShape shape_of(const Plan& plan);
/// The row of the plan's schedule; of a file or `auto`, that of 1F1B, as their weights change at the flush, too.
const Schedule& schedule_row(const Plan& plan);
/// Throws InputError where the schedule is unknown, its shape does not suit, or the file is wrong.
Grid schedule_grid(const Plan& plan);
/// Stages of the model under the plan's schedule. Errors as schedule_grid().
std::uint32_t stage_count(const Plan& plan);

}  // namespace tandem
