#include "plan/schedule.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <tuple>

#include "base/error.hpp"
#include "plan/schedules/rows.hpp"

namespace tandem {
namespace {

constexpr Schedule kSchedules[] = {
    {"1f1b", "one forward, one backward, with a flush at the end of the iteration",
     "Narayanan et al., PipeDream, arXiv 1806.03377; Megatron-LM, arXiv 2104.04473", one_forward_one_backward_order},
    {"gpipe", "all forwards, then all backwards", "Huang et al., GPipe, arXiv 1811.06965", gpipe_order},
    {"sequential", "one micro-batch at a time: model parallelism without pipelining",
     "Narayanan et al., PipeDream, arXiv 1806.03377, figure 2", sequential_order},
};

}  // namespace

std::span<const Schedule> schedules() { return kSchedules; }

const Schedule& find_schedule(std::string_view name) {
  std::vector<std::string> names;
  for (const Schedule& row : kSchedules) {
    if (row.name == name) return row;
    names.emplace_back(row.name);
  }
  throw InputError(fmt::format("no such schedule{}", did_you_mean(name, names)), name,
                   fmt::format("one of {}", fmt::join(names, ", ")));
}

std::uint32_t stage_count(const Schedule& schedule, const ScheduleShape& shape) {
  return schedule.stages == nullptr ? shape.ranks : schedule.stages(shape);
}

std::uint32_t stage_count(const Grid& grid) {
  std::uint32_t count = 0;
  for (const auto& row : grid)
    for (const Action& action : row) count = std::max(count, action.stage + 1);
  return count;
}

std::string to_text(const Action& action) {
  return fmt::format("{}{}{}", action.stage, name_of(action.kind), action.micro_batch);
}

namespace {

using Key = std::tuple<std::uint32_t, StepKind, std::uint32_t>;

/// Slot in which each action that has run ended; the rules of dependence between stages.
class Slots {
 public:
  explicit Slots(std::uint32_t stages) : stages_(stages) {}

  bool ready(const Action& action, std::size_t slot) const {
    const auto done = [&](std::uint32_t stage, StepKind kind) {
      const auto at = ended_.find({stage, kind, action.micro_batch});
      return at != ended_.end() && at->second <= slot;
    };
    if (action.kind == StepKind::forward) return action.stage == 0 || done(action.stage - 1, StepKind::forward);
    if (!done(action.stage, StepKind::forward)) return false;
    return action.stage + 1 == stages_ || done(action.stage + 1, StepKind::backward);
  }
  void run(const Action& action, std::size_t slot) {
    ended_[{action.stage, action.kind, action.micro_batch}] = slot + 1;
  }

 private:
  std::uint32_t stages_;
  std::map<Key, std::size_t> ended_;
};

/// The steps at which ranks are stuck, the first few of them.
std::string next_steps(const Grid& grid, const std::vector<std::size_t>& next) {
  constexpr std::size_t kShown = 4;
  std::vector<std::string> stuck;
  for (std::size_t rank = 0; rank < grid.size(); ++rank)
    if (next[rank] < grid[rank].size())
      stuck.push_back(fmt::format("rank {} waits to run {}", rank, to_text(grid[rank][next[rank]])));
  if (stuck.size() > kShown) stuck.resize(kShown);
  return fmt::format("{}", fmt::join(stuck, ", "));
}

}  // namespace

std::vector<std::vector<std::string>> time_grid(const Grid& grid) {
  Slots slots(static_cast<std::uint32_t>(grid.size()));
  std::vector<std::vector<std::string>> rows(grid.size());
  std::vector<std::size_t> next(grid.size(), 0);
  for (std::size_t slot = 0;; ++slot) {
    bool ran = false, left = false;
    for (std::size_t rank = 0; rank < grid.size(); ++rank) {
      if (next[rank] == grid[rank].size()) continue;
      left = true;
      const Action& action = grid[rank][next[rank]];
      const bool ready = slots.ready(action, slot);
      rows[rank].resize(slot + 1);
      if (!ready) continue;
      rows[rank][slot] = to_text(action);
      slots.run(action, slot);
      ++next[rank];
      ran = true;
    }
    if (!left) return rows;
    if (!ran) throw InputError(fmt::format("the schedule dead-locks: {}", next_steps(grid, next)));
  }
}

}  // namespace tandem
