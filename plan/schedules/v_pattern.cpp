#include "plan/schedules/v_pattern.hpp"

#include <algorithm>
#include <deque>
#include <limits>

#include "base/error.hpp"
#include "plan/grid_times.hpp"

namespace tandem {
namespace {

constexpr std::uint64_t kPeriod = 6;

/// F and I only, in the pattern's order, with their times.
struct PatternRow {
  std::vector<Action> actions;
  std::vector<std::uint64_t> times;
};

PatternRow pattern_row(const ScheduleShape& shape, std::uint32_t rank, const VPattern& pattern) {
  const std::uint32_t up = 2 * shape.ranks - 1 - rank;
  const Action steps[] = {{rank, StepKind::forward, 0}, {up, StepKind::forward, 0}, {up, StepKind::input_gradient, 0},
                          {rank, StepKind::input_gradient, 0}};
  std::vector<std::pair<std::uint64_t, Action>> all;
  for (std::uint32_t batch = 0; batch < shape.micro_batches; ++batch)
    for (std::size_t i = 0; i < pattern.size(); ++i)
      all.push_back({pattern[i] + kPeriod * batch, {steps[i].stage, steps[i].kind, batch}});
  std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  PatternRow row;
  for (const auto& [time, action] : all) {
    invariant(row.times.empty() || row.times.back() < time, "two steps of the pattern collide");
    row.actions.push_back(action);
    row.times.push_back(time);
  }
  return row;
}

Action weight_gradient_of(const Action& action) {
  return {action.stage, StepKind::weight_gradient, action.micro_batch};
}

/// The row with W in the first free slots.
std::vector<Action> with_weight_gradients(const PatternRow& row) {
  std::vector<Action> actions;
  std::deque<Action> owed;
  std::uint64_t slot = 0;
  for (std::size_t i = 0; i < row.actions.size(); ++i) {
    for (; slot < row.times[i] && !owed.empty(); ++slot) {
      actions.push_back(owed.front());
      owed.pop_front();
    }
    actions.push_back(row.actions[i]);
    slot = row.times[i] + 1;
    if (row.actions[i].kind == StepKind::input_gradient) owed.push_back(weight_gradient_of(row.actions[i]));
  }
  actions.insert(actions.end(), owed.begin(), owed.end());
  return actions;
}

/// All ranks at once, slot by slot.
class SlotRun {
 public:
  SlotRun(const ScheduleShape& shape, std::vector<PatternRow> rows, std::uint32_t room)
      : last_stage_(2 * shape.ranks - 1), batches_(shape.micro_batches), room_(room), ranks_(rows.size()) {
    for (std::size_t rank = 0; rank < rows.size(); ++rank) ranks_[rank].next = std::move(rows[rank].actions);
    for (auto* ends : {&forward_end_, &gradient_end_})
      ends->assign(std::size_t{last_stage_ + 1} * batches_, std::numeric_limits<std::uint64_t>::max());
  }

  Grid run() {
    for (bool left = true; left; ++slot_) {
      left = false;
      for (Rank& rank : ranks_) left |= step(rank);
    }
    Grid grid;
    for (Rank& rank : ranks_) grid.push_back(std::move(rank.done));
    return grid;
  }

 private:
  struct Rank {
    std::vector<Action> next, done;
    std::size_t at = 0;
    std::deque<Action> owed;
    std::uint32_t held = 0;
  };

  /// Whether the rank has steps left.
  bool step(Rank& rank) {
    if (rank.at < rank.next.size() && is_ready(rank, rank.next[rank.at])) {
      start(rank, rank.next[rank.at]);
      ++rank.at;
    } else if (!rank.owed.empty()) {
      rank.done.push_back(rank.owed.front());
      rank.owed.pop_front();
      --rank.held;
    }
    return rank.at < rank.next.size() || !rank.owed.empty();
  }
  bool is_ready(const Rank& rank, const Action& action) const {
    const auto [stage, kind, batch] = action;
    if (kind == StepKind::forward)
      return rank.held < room_ && (stage == 0 || forward_end_[index(stage - 1, batch)] <= slot_);
    return forward_end_[index(stage, batch)] <= slot_ &&
           (stage == last_stage_ || gradient_end_[index(stage + 1, batch)] <= slot_);
  }
  void start(Rank& rank, const Action& action) {
    rank.done.push_back(action);
    const bool forward = action.kind == StepKind::forward;
    (forward ? forward_end_ : gradient_end_)[index(action.stage, action.micro_batch)] = slot_ + 1;
    if (forward)
      ++rank.held;
    else
      rank.owed.push_back(weight_gradient_of(action));
  }
  std::size_t index(std::uint32_t stage, std::uint32_t batch) const { return std::size_t{stage} * batches_ + batch; }

  std::uint32_t last_stage_, batches_, room_;
  std::vector<Rank> ranks_;
  std::vector<std::uint64_t> forward_end_, gradient_end_;
  std::uint64_t slot_ = 0;
};

}  // namespace

Grid v_order(const ScheduleShape& shape, VPattern (*pattern)(std::uint32_t ranks, std::uint32_t rank)) {
  std::vector<PatternRow> rows;
  std::uint32_t room = 0;
  for (std::uint32_t rank = 0; rank < shape.ranks; ++rank) {
    rows.push_back(pattern_row(shape, rank, pattern(shape.ranks, rank)));
    room = std::max(room, most_held(with_weight_gradients(rows.back())));
  }
  return SlotRun(shape, std::move(rows), room).run();
}

}  // namespace tandem
