#pragma once
// Which rows of the schedule table suit a number of ranks, micro-batches and stages.

#include <algorithm>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "plan/plan_schedule.hpp"
#include "plan/weight_versions.hpp"

namespace tandem {

/// Names of the rows that suit, with at most `most_stages` stages of the model.
inline std::vector<std::string> suitable_schedules(std::size_t ranks, std::int64_t batches, std::size_t most_stages) {
  const ScheduleShape shape{static_cast<std::uint32_t>(ranks), static_cast<std::uint32_t>(batches), 2};
  std::vector<std::string> names;
  for (const Schedule& schedule : schedules()) try {
      if (stage_count(schedule, shape) > most_stages) continue;
      weight_versions(schedule.order(shape), schedule, shape.micro_batches);
      names.emplace_back(schedule.name);
    } catch (const InputError&) {  // the shape does not suit this row
    }
  return names;
}

/// Those that give the same sums as a plain run: one update, one copy of each stage, gradients added in the order of the
/// micro-batches.
inline bool adds_in_order(const std::string& name, std::size_t ranks, std::int64_t batches) {
  const ScheduleShape shape{static_cast<std::uint32_t>(ranks), static_cast<std::uint32_t>(batches), 2};
  const Schedule& schedule = find_schedule(name);
  const Grid grid = schedule.order(shape);
  std::vector<std::vector<std::uint32_t>> added(stage_count(grid));
  for (const auto& row : grid)
    for (const Action& action : row)
      if (action.kind == StepKind::backward || action.kind == StepKind::weight_gradient)
        added[action.stage].push_back(action.micro_batch);
  const bool in_order = std::all_of(added.begin(), added.end(), [](const auto& order) {
    return std::is_sorted(order.begin(), order.end());
  });
  return in_order && schedule.updates == Updates::at_flush && holders_of(grid).size() == added.size();
}

}  // namespace tandem
