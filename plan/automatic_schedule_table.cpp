// What the automatic scheduler must not be worse than.
#include <algorithm>

#include "base/error.hpp"
#include "plan/automatic_schedule_parts.hpp"

namespace tandem {
namespace {

bool lives_on(const Grid& grid, const ScheduleProblem& problem) {
  for (std::uint32_t rank = 0; rank < grid.size(); ++rank)
    for (const Action& action : grid[rank])
      if (action.stage >= problem.stages || problem.rank_of_stage[action.stage] != rank) return false;
  return grid.size() == problem.ranks && stage_count(grid) == problem.stages;
}

bool is_whole(const Grid& grid) {
  return std::all_of(grid.begin(), grid.end(), [](const auto& row) {
    return std::none_of(row.begin(), row.end(), [](const Action& action) {
      return action.kind == StepKind::input_gradient || action.kind == StepKind::weight_gradient;
    });
  });
}

}  // namespace

std::vector<TableSchedule> fitting_table(const ScheduleCosts& costs, const ScheduleProblem& problem) {
  std::vector<TableSchedule> fitting;
  for (const Schedule& row : schedules()) {
    if (row.updates != Updates::at_flush || problem.stages % problem.ranks != 0) continue;
    try {
      Grid grid = row.order({problem.ranks, problem.micro_batches, problem.stages / problem.ranks});
      if (!lives_on(grid, problem) || (!problem.split && !is_whole(grid))) continue;
      const ScheduleEvaluation evaluation = evaluate(grid, costs);
      if (fits_budget(evaluation, costs))
        fitting.push_back({std::string(row.name), std::move(grid), evaluation.makespan.count});
    } catch (const InputError&) {
      continue;  // the row refuses this shape
    }
  }
  std::stable_sort(fitting.begin(), fitting.end(),
                   [](const auto& a, const auto& b) { return a.makespan < b.makespan; });
  return fitting;
}

}  // namespace tandem
