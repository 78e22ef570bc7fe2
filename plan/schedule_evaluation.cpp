#include "plan/schedule_evaluation.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "base/error.hpp"

namespace tandem {
namespace {

template <class Value>
void check_list(const std::vector<Value>& list, std::size_t size, std::string_view name) {
  if (list.size() != size)
    throw InputError(fmt::format("{} of a schedule's costs has the wrong length", name), std::to_string(list.size()),
                     std::to_string(size));
  for (const Value& value : list)
    if (value.count < 0)
      throw InputError(fmt::format("{} of a schedule's costs is negative", name), std::to_string(value.count));
}

/// When the forward and the backward of one micro-batch on one stage ended, and where.
struct Passed {
  std::optional<std::int64_t> forward, backward;
  std::uint32_t rank = 0;
  bool input_gradient_only = false;
};

/// Runs a grid action by action.
class GridClock {
 public:
  GridClock(const Grid& grid, const ScheduleCosts& costs)
      : grid_(grid), costs_(costs), stages_(costs.forward.size()), next_(grid.size(), 0), free_(grid.size(), 0),
        held_(grid.size()), result_{{}, std::vector<RankEvaluation>(grid.size())} {
    std::size_t batches = 0;
    for (const auto& row : grid)
      for (const Action& action : row) batches = std::max<std::size_t>(batches, action.micro_batch + 1);
    batches_ = batches;
    passed_.resize(stages_ * batches);
  }

  ScheduleEvaluation run() {
    for (bool moved = true; moved;) {
      moved = false;
      for (std::uint32_t rank = 0; rank < grid_.size(); ++rank)
        while (advance(rank)) moved = true;
    }
    for (std::size_t rank = 0; rank < grid_.size(); ++rank)
      if (next_[rank] < grid_[rank].size())
        throw InputError(fmt::format("the schedule dead-locks: rank {} waits to run {}", rank,
                                     to_text(grid_[rank][next_[rank]])));
    check_complete();
    return result_;
  }

 private:
  Passed& passed(std::size_t stage, std::uint32_t batch) { return passed_[stage * batches_ + batch]; }

  /// When the neighbour's message reaches the rank; nothing while the neighbour has not run.
  std::optional<std::int64_t> arrival(const Action& action, std::uint32_t rank) {
    const bool forward = action.kind == StepKind::forward;
    if (action.kind == StepKind::weight_gradient) return 0;
    if (forward ? action.stage == 0 : action.stage + 1 == stages_) return 0;
    const std::size_t neighbour = forward ? action.stage - 1 : action.stage + 1;
    const Passed& from = passed(neighbour, action.micro_batch);
    const std::optional<std::int64_t> ended = forward ? from.forward : from.backward;
    if (!ended || from.rank == rank) return ended;
    const auto& message = forward ? costs_.message_forward : costs_.message_backward;
    return *ended + message[std::min<std::size_t>(neighbour, action.stage)].count;
  }

  Picoseconds time_of(const Action& action) const {
    if (action.kind == StepKind::forward) return costs_.forward[action.stage];
    if (action.kind == StepKind::input_gradient) return costs_.input_gradient[action.stage];
    if (action.kind == StepKind::weight_gradient) return costs_.weight_gradient[action.stage];
    return costs_.input_gradient[action.stage] + costs_.weight_gradient[action.stage];
  }

  void check_place(const Action& action, std::uint32_t rank) {
    const bool known = action.kind == StepKind::forward || action.kind == StepKind::backward ||
                       action.kind == StepKind::input_gradient || action.kind == StepKind::weight_gradient;
    if (!known || action.stage >= stages_)
      throw InputError("no such action in a schedule", to_text(action),
                       fmt::format("F, B, I or W of {} stages", stages_));
    const Passed& at = passed(action.stage, action.micro_batch);
    const bool forward = action.kind == StepKind::forward, weights = action.kind == StepKind::weight_gradient;
    const bool needs = forward || (at.forward && at.rank == rank && (!weights || at.input_gradient_only));
    const bool repeats = forward ? at.forward.has_value() : !weights && at.backward.has_value();
    if (!needs || repeats)
      throw InputError(fmt::format("rank {} runs {} {}", rank, to_text(action),
                                   repeats ? "a second time" : "before what it needs"));
  }

  bool advance(std::uint32_t rank) {
    if (next_[rank] == grid_[rank].size()) return false;
    const Action& action = grid_[rank][next_[rank]];
    check_place(action, rank);
    const std::optional<std::int64_t> ready = arrival(action, rank);
    if (!ready) return false;
    const std::int64_t start = std::max(free_[rank], *ready);
    RankEvaluation& row = result_.ranks[rank];
    if (next_[rank] == 0) row.first_start = {start};
    free_[rank] = start + time_of(action).count;
    row.busy += time_of(action);
    row.last_end = {free_[rank]};
    result_.makespan = std::max(result_.makespan, row.last_end);
    note(action, rank);
    ++next_[rank];
    return true;
  }

  void note(const Action& action, std::uint32_t rank) {
    Passed& at = passed(action.stage, action.micro_batch);
    Bytes& held = held_[rank];
    const Bytes kept = costs_.kept[action.stage], after = costs_.kept_after_input_gradient[action.stage];
    if (action.kind == StepKind::forward) at.rank = rank, at.forward = free_[rank], held += kept;
    if (action.kind == StepKind::backward || action.kind == StepKind::input_gradient) at.backward = free_[rank];
    if (action.kind == StepKind::backward) held = held - kept;
    const bool input_only = action.kind == StepKind::input_gradient;
    if (input_only) at.input_gradient_only = true, held = held - kept + std::max(kept, after);
    Bytes& peak = result_.ranks[rank].peak;
    peak = std::max(peak, held);
    if (input_only) held = held - std::max(kept, after) + after;
    if (action.kind == StepKind::weight_gradient) at.input_gradient_only = false, held = held - after;
  }

  void check_complete() const {
    for (std::size_t cell = 0; cell < passed_.size(); ++cell)
      if (!passed_[cell].backward || passed_[cell].input_gradient_only)
        throw InputError(fmt::format("the schedule misses a step of micro-batch {} on stage {}", cell % batches_,
                                     cell / batches_));
  }

  const Grid& grid_;
  const ScheduleCosts& costs_;
  std::size_t stages_, batches_ = 0;
  std::vector<std::size_t> next_;
  std::vector<std::int64_t> free_;
  std::vector<Bytes> held_;
  std::vector<Passed> passed_;  ///< by stage and micro-batch
  ScheduleEvaluation result_;
};

}  // namespace

void check_costs(const ScheduleCosts& costs, std::uint32_t stages, std::uint32_t ranks) {
  const std::size_t cuts = stages == 0 ? 0 : stages - 1;
  check_list(costs.forward, stages, "forward");
  check_list(costs.input_gradient, stages, "input_gradient");
  check_list(costs.weight_gradient, stages, "weight_gradient");
  check_list(costs.message_forward, cuts, "message_forward");
  check_list(costs.message_backward, cuts, "message_backward");
  check_list(costs.kept, stages, "kept");
  check_list(costs.kept_after_input_gradient, stages, "kept_after_input_gradient");
  check_list(costs.budget, ranks, "budget");
}

ScheduleEvaluation evaluate(const Grid& grid, const ScheduleCosts& costs) {
  check_costs(costs, static_cast<std::uint32_t>(costs.forward.size()), static_cast<std::uint32_t>(grid.size()));
  return GridClock(grid, costs).run();
}

bool fits_budget(const ScheduleEvaluation& evaluation, const ScheduleCosts& costs) {
  for (std::size_t rank = 0; rank < evaluation.ranks.size(); ++rank)
    if (evaluation.ranks[rank].peak > costs.budget[rank]) return false;
  return true;
}

}  // namespace tandem
