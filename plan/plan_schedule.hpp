#pragma once
// The order of a plan's steps: a row of the schedule table, or a file of the user's own.

#include <span>
#include <string_view>

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

/// An order that is searched for when times are known, by where the stages live.
struct SearchedSchedule {
  std::string_view name;     ///< as a plan says it
  std::string_view until;    ///< the row of the table whose order and stages the plan has until then
  std::string_view meaning;  ///< "one stage a rank"
};
/// `auto` first: the shortest of all the others and of the table, which compare_schedules() makes another name of.
std::span<const SearchedSchedule> searched_schedules();
/// Null where the plan's order is a row of the table or a file.
const SearchedSchedule* searched_schedule(const Plan& plan);
inline bool is_automatic(const Plan& plan) { return searched_schedule(plan) != nullptr; }
/// Whether the plan's schedule is `auto`: how many stages it has is open, too.
bool leaves_schedule_open(const Plan& plan);
/// Whether cuts that were given with `before` are meant for the plan, too.
bool have_same_stages(const Plan& plan, const Plan& before);

/// Whether the schedule takes as many stages per rank as `chunks` says; one that is open may.
bool lets_choose_chunks(const Plan& plan);

ScheduleShape shape_of(const Plan& plan);
/// The row of the plan's schedule; of a file that of 1F1B, as its weights change at the flush, too.
const Schedule& schedule_row(const Plan& plan);
/// Throws InputError where the schedule is unknown, its shape does not suit, or the file is wrong.
Grid schedule_grid(const Plan& plan);
/// Stages of the model under the plan's schedule. Errors as schedule_grid().
std::uint32_t stage_count(const Plan& plan);

}  // namespace tandem
