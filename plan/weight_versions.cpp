#include "plan/weight_versions.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.hpp"

namespace tandem {
namespace {

bool ends_backward(const Action& action) {
  return action.kind == StepKind::backward || action.kind == StepKind::weight_gradient;
}

/// The newest version that is there when each F of the row starts, with an update after each micro-batch.
std::vector<std::uint32_t> newest_at_forward(const std::vector<Action>& row, std::uint32_t micro_batches) {
  std::vector<std::uint32_t> used(micro_batches, 0);
  std::uint32_t updates = 0;
  for (const Action& action : row) {
    if (action.kind == StepKind::forward) used[action.micro_batch] = updates;
    if (ends_backward(action)) ++updates;
  }
  return used;
}

void require_plain(const Grid& grid) {
  for (std::uint32_t rank = 0; rank < grid.size(); ++rank)
    if (std::any_of(grid[rank].begin(), grid[rank].end(), [&](const Action& action) { return action.stage != rank; }))
      throw InputError("weights change within an iteration only where each rank runs its own stage",
                       fmt::format("rank {} runs another one", rank));
}

}  // namespace

WeightVersions weight_versions(const Grid& grid, const Schedule& schedule, std::uint32_t micro_batches) {
  WeightVersions versions;
  versions.used.assign(stage_count(grid), std::vector<std::uint32_t>(micro_batches, 0));
  versions.round = micro_batches;
  if (schedule.updates == Updates::at_flush) return versions;
  require_plain(grid);
  versions.round = schedule.updates == Updates::double_buffered ? static_cast<std::uint32_t>(grid.size()) : 1;
  if (micro_batches % versions.round != 0)
    throw InputError(fmt::format("{} updates after each group of as many micro-batches as ranks", schedule.name),
                     fmt::format("{} micro-batches", micro_batches),
                     fmt::format("a multiple of the {} ranks", versions.round));
  versions.rounds = micro_batches / versions.round;
  for (std::uint32_t stage = 0; stage < versions.used.size(); ++stage)
    for (std::uint32_t batch = 0; batch < micro_batches; ++batch)
      versions.used[stage][batch] = std::max(1u, batch / versions.round) - 1;
  if (schedule.updates == Updates::double_buffered) return versions;
  for (std::uint32_t stage = 0; stage < versions.used.size(); ++stage)
    versions.used[stage] = newest_at_forward(grid[schedule.vertical_sync ? 0 : stage], micro_batches);
  return versions;
}

}  // namespace tandem
