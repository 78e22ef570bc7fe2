#include "plan/plan_schedule.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "plan/schedule_csv.hpp"
#include "plan/schedules/rows.hpp"

namespace tandem {

std::vector<Holder> holders_of(const Grid& grid) {
  std::vector<Holder> holders;
  for (std::uint32_t rank = 0; rank < grid.size(); ++rank)
    for (const Action& action : grid[rank]) {
      const Holder holder{rank, action.stage};
      auto known = std::find(holders.begin(), holders.end(), holder);
      if (known == holders.end()) known = holders.insert(holders.end(), holder);
      known->splits_backward |= action.kind == StepKind::input_gradient;
    }
  const auto place = [](const Holder& holder) { return std::pair(holder.rank, holder.stage); };
  std::sort(holders.begin(), holders.end(), [&](const Holder& a, const Holder& b) { return place(a) < place(b); });
  return holders;
}

std::span<const SearchedSchedule> searched_schedules() {
  static constexpr SearchedSchedule kSearched[] = {
      {"auto", "1f1b", "the shortest of these and of the table"},
      {"auto-1", "1f1b", "one stage a rank"},
      {"auto-v", "zb-v", "two stages a rank, in a V"},
      {"auto-interleaved", "interleaved-1f1b", "as many stages a rank as chunks, in turn"},
      {"auto-wave", "hanayo", "as many stages a rank as chunks, to and fro"},
  };
  return kSearched;
}

const SearchedSchedule* searched_schedule(const Plan& plan) {
  const auto rows = searched_schedules();
  const auto at = std::ranges::find(rows, plan.schedule, &SearchedSchedule::name);
  return at == rows.end() ? nullptr : &*at;
}

bool leaves_schedule_open(const Plan& plan) { return plan.schedule == searched_schedules().front().name; }

bool have_same_stages(const Plan& plan, const Plan& before) {
  return leaves_schedule_open(plan) == leaves_schedule_open(before) && stage_count(plan) == stage_count(before);
}

bool lets_choose_chunks(const Plan& plan) {
  return leaves_schedule_open(plan) || schedule_row(plan).stages == chunks_per_rank;
}

ScheduleShape shape_of(const Plan& plan) {
  invariant(plan.pipeline >= 1 && plan.micro_batches >= 1 && plan.micro_batch_size >= 1 && plan.window >= 1,
            "a plan's counts start at one");
  return {static_cast<std::uint32_t>(plan.pipeline), static_cast<std::uint32_t>(plan.micro_batches),
          static_cast<std::uint32_t>(plan.chunks)};
}

const Schedule& schedule_row(const Plan& plan) {
  if (const SearchedSchedule* searched = searched_schedule(plan)) return find_schedule(searched->until);
  return find_schedule(is_schedule_file(plan.schedule) ? "1f1b" : plan.schedule);
}

Grid schedule_grid(const Plan& plan) {
  const SearchedSchedule* searched = searched_schedule(plan);
  return grid_of(searched != nullptr ? std::string(searched->until) : plan.schedule, shape_of(plan));
}

std::uint32_t stage_count(const Plan& plan) {
  if (is_schedule_file(plan.schedule)) return stage_count(load_schedule_csv(plan.schedule));
  return stage_count(schedule_row(plan), shape_of(plan));
}

}  // namespace tandem
