// DualPipe's paper counts a forward beside a backward as one step of its own length, F&B. With such pairs its bubble is
// the one that it prints.

#include <algorithm>
#include <array>
#include <map>

#include "tests/catch.hpp"
#include "tests/plan/schedule_scene.hpp"

using namespace tandem;

namespace {

/// F, then B of the same rank are one cell that waits for what either needs, and gives both results at its end.
class PairedRun {
 public:
  PairedRun(const Grid& grid, const StepTimes& times)
      : times_(times), last_(stage_count(grid) - 1), cells_(grid.size()), free_(grid.size(), 0) {
    for (std::size_t rank = 0; rank < grid.size(); ++rank) cells_[rank] = paired(grid[rank]);
  }
  /// One pair of the rank is two steps after all: the paper does not overlap the first one on the middle ranks.
  void split_first_pair(std::size_t rank) {
    auto& row = cells_[rank];
    const auto pair = std::find_if(row.begin(), row.end(), [](const Cell& cell) { return cell.size() == 2; });
    const Cell second{pair->back()};
    pair->pop_back();
    row.insert(pair + 1, second);
  }
  std::int64_t makespan() {
    std::vector<std::size_t> next(cells_.size(), 0);
    for (bool ran = true; ran;) {
      ran = false;
      for (std::size_t rank = 0; rank < cells_.size(); ++rank)
        while (next[rank] < cells_[rank].size() && run(cells_[rank][next[rank]], free_[rank])) {
          ++next[rank];
          ran = true;
        }
    }
    for (std::size_t rank = 0; rank < cells_.size(); ++rank) REQUIRE(next[rank] == cells_[rank].size());
    return *std::max_element(free_.begin(), free_.end());
  }

 private:
  using Cell = std::vector<Action>;
  using Key = std::array<std::uint32_t, 3>;

  static std::vector<Cell> paired(const std::vector<Action>& row) {
    std::vector<Cell> cells;
    for (const Action& action : row) {
      const bool joins = action.kind == StepKind::backward && !cells.empty() && cells.back().size() == 1 &&
                         cells.back().front().kind == StepKind::forward;
      if (joins)
        cells.back().push_back(action);
      else
        cells.push_back({action});
    }
    return cells;
  }
  bool run(const Cell& cell, std::int64_t& free) {
    std::int64_t start = free, length = 0;
    for (const Action& action : cell)
      for (const Key& needed : needs(action)) {
        const auto end = ends_.find(needed);
        if (end == ends_.end()) return false;
        start = std::max(start, end->second);
      }
    for (const Action& action : cell) length += duration(action.kind);
    free = start + length;
    for (const Action& action : cell) ends_[key(action.stage, action.kind, action.micro_batch)] = free;
    return true;
  }
  std::vector<Key> needs(const Action& action) const {
    const auto [stage, kind, batch] = action;
    if (kind == StepKind::weight_gradient) return {key(stage, StepKind::input_gradient, batch)};
    if (kind == StepKind::forward && stage == 0) return {};
    if (kind == StepKind::forward) return {key(stage - 1, kind, batch)};
    std::vector<Key> needed{key(stage, StepKind::forward, batch)};
    if (stage < last_) needed.push_back(key(stage + 1, StepKind::backward, batch));
    return needed;
  }
  std::int64_t duration(StepKind kind) const {
    if (kind == StepKind::forward) return times_.forward;
    if (kind == StepKind::backward) return times_.backward;
    return kind == StepKind::input_gradient ? times_.input_gradient : times_.weight_gradient;
  }
  /// B and I give the same gradient.
  static Key key(std::uint32_t stage, StepKind kind, std::uint32_t batch) {
    return {stage, kind == StepKind::forward ? 0U : kind == StepKind::weight_gradient ? 2U : 1U, batch};
  }

  StepTimes times_;
  std::uint32_t last_;
  std::vector<std::vector<Cell>> cells_;
  std::vector<std::int64_t> free_;
  std::map<Key, std::int64_t> ends_;
};

}  // namespace

TEST_CASE("with pairs as one step dualpipe idles for (p / 2 - 1) (F&B + B - 3 W), as its paper says") {
  for (std::uint32_t half = 2; half <= 5; ++half)
    for (std::uint32_t m = 4 * half; m <= 6 * half; m += 2)
      for (const StepTimes& times : {step_times(1, 1, 1), step_times(2, 2, 1), step_times(5, 5, 4)}) {
        CAPTURE(half, m, times.forward, times.weight_gradient);
        PairedRun run(grid_named("dualpipe", {2 * half, m}), times);
        run.split_first_pair(half - 1);
        run.split_first_pair(half);

        const std::int64_t pair = times.forward + times.backward;  // F&B when nothing overlaps within it
        const std::int64_t idle = run.makespan() - m * pair;

        REQUIRE(idle == (half - 1) * (pair + times.backward - 3 * times.weight_gradient));
      }
}
