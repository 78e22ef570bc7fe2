#include "plan/grid_times.hpp"

#include <algorithm>
#include <optional>
#include <unordered_map>

#include "base/error.hpp"
#include "plan/grid_fault.hpp"

namespace tandem {
namespace {

std::int64_t duration(StepKind kind, const StepTimes& times) {
  if (kind == StepKind::forward) return times.forward;
  if (kind == StepKind::input_gradient) return times.input_gradient;
  return kind == StepKind::weight_gradient ? times.weight_gradient : times.backward;
}

/// Runs what can be run.
class SoonestRun {
 public:
  SoonestRun(const Grid& grid, const StepTimes& times)
      : grid_(grid), times_(times), last_stage_(stage_count(grid) - 1), timed_(grid.size()) {
    for (bool ran = true; ran;) {
      ran = false;
      for (std::uint32_t rank = 0; rank < grid.size(); ++rank)
        while (run_next(rank)) ran = true;
    }
  }
  /// Rows end where the ranks are stuck.
  const TimedGrid& timed() const { return timed_; }

 private:
  struct Result {
    std::int64_t end;
    std::uint32_t rank;
  };

  bool run_next(std::uint32_t rank) {
    std::vector<TimedAction>& row = timed_[rank];
    if (row.size() == grid_[rank].size()) return false;
    const Action& action = grid_[rank][row.size()];
    const std::optional<std::int64_t> ready = ready_at(action, rank);
    if (!ready) return false;
    const std::int64_t start = std::max(*ready, row.empty() ? 0 : row.back().end);
    row.push_back({action, start, start + duration(action.kind, times_)});
    results_[key(action.stage, action.kind, action.micro_batch)] = {row.back().end, rank};
    return true;
  }
  std::optional<std::int64_t> ready_at(const Action& action, std::uint32_t rank) const {
    const auto [stage, kind, batch] = action;
    if (kind == StepKind::forward) return stage == 0 ? 0 : arrival(stage - 1, kind, batch, rank);
    if (kind == StepKind::weight_gradient) return arrival(stage, StepKind::input_gradient, batch, rank);
    const auto own = arrival(stage, StepKind::forward, batch, rank);
    if (!own || stage == last_stage_) return own;
    const auto next = arrival(stage + 1, StepKind::backward, batch, rank);
    return next ? std::optional(std::max(*own, *next)) : std::nullopt;
  }
  std::optional<std::int64_t> arrival(std::uint32_t stage, StepKind kind, std::uint32_t batch,
                                      std::uint32_t rank) const {
    const auto result = results_.find(key(stage, kind, batch));
    if (result == results_.end()) return std::nullopt;
    return result->second.end + (result->second.rank == rank ? 0 : times_.message);
  }
  /// B and I give the same: the gradient of the input.
  static std::uint64_t key(std::uint32_t stage, StepKind kind, std::uint32_t batch) {
    const std::uint64_t result = kind == StepKind::forward ? 0 : kind == StepKind::weight_gradient ? 2 : 1;
    return (std::uint64_t{stage} * 3 + result) << 32 | batch;
  }

  const Grid& grid_;
  const StepTimes& times_;
  std::uint32_t last_stage_;
  TimedGrid timed_;
  std::unordered_map<std::uint64_t, Result> results_;
};

}  // namespace

std::vector<std::size_t> steps_before_dead_lock(const Grid& grid) {
  const SoonestRun run(grid, {});
  std::vector<std::size_t> counts;
  for (const auto& row : run.timed()) counts.push_back(row.size());
  return counts;
}

TimedGrid timed_grid(const Grid& grid, const StepTimes& times) {
  const SoonestRun run(grid, times);
  for (std::size_t rank = 0; rank < grid.size(); ++rank)
    if (run.timed()[rank].size() < grid[rank].size()) {
      const std::optional<GridFault> fault = find_dead_lock(grid);
      invariant(fault.has_value(), "a grid that stops has a dead-lock");
      throw InputError(fault->problem);
    }
  return run.timed();
}

std::int64_t makespan(const TimedGrid& grid) {
  std::int64_t end = 0;
  for (const auto& row : grid)
    if (!row.empty()) end = std::max(end, row.back().end);
  return end;
}

std::int64_t longest_span(const TimedGrid& grid) {
  std::int64_t longest = 0;
  for (const auto& row : grid)
    if (!row.empty()) longest = std::max(longest, row.back().end - row.front().start);
  return longest;
}

double bubble_fraction(const TimedGrid& grid) {
  std::int64_t busy = 0;
  for (const auto& row : grid)
    for (const TimedAction& step : row) busy += step.end - step.start;
  const std::int64_t all = makespan(grid) * std::ssize(grid);
  return all == 0 ? 0 : 1 - static_cast<double>(busy) / static_cast<double>(all);
}

double own_bubble_fraction(const TimedGrid& grid) {
  double sum = 0;
  for (const auto& row : grid) {
    std::int64_t busy = 0;
    for (const TimedAction& step : row) busy += step.end - step.start;
    const std::int64_t own = row.empty() ? 0 : row.back().end - row.front().start;
    if (own > 0) sum += 1 - static_cast<double>(busy) / static_cast<double>(own);
  }
  return grid.empty() ? 0 : sum / static_cast<double>(grid.size());
}

std::uint32_t most_held(const std::vector<Action>& row) {
  std::uint32_t now = 0, most = 0;
  for (const Action& action : row) {
    if (action.kind == StepKind::forward) most = std::max(most, ++now);
    if (action.kind == StepKind::backward || action.kind == StepKind::weight_gradient) --now;
  }
  return most;
}

}  // namespace tandem
