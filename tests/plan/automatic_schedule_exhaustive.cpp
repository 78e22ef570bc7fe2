// The automatic scheduler against all orders there are, timed by the plain evaluation of grids.
#include <algorithm>
#include <functional>

#include "plan/automatic_schedule.hpp"
#include "plan/automatic_schedule_order.hpp"
#include "tests/catch.hpp"
#include "tests/plan/automatic_schedule_cases.hpp"

using namespace tandem;

namespace {

/// Whether the actions before it on its rank allow the action: F before I or B before W, each micro-batch.
bool may_follow(const std::vector<Action>& row, const Action& action) {
  const auto has = [&](StepKind kind) {
    return std::find(row.begin(), row.end(), Action{action.stage, kind, action.micro_batch}) != row.end();
  };
  if (has(action.kind)) return false;
  if (action.kind == StepKind::forward) return true;
  if (action.kind == StepKind::weight_gradient) return has(StepKind::input_gradient);
  return has(StepKind::forward) && !has(StepKind::backward) && !has(StepKind::input_gradient);
}

bool is_next(const std::vector<Action>& row, const Action& action) {
  const auto same = [&](const Action& other) { return other.stage == action.stage && other.kind == action.kind; };
  return std::count_if(row.begin(), row.end(), same) == action.micro_batch;
}

/// All orders in which one rank can run its stages. `in_order`: only those with each kind in the order of
/// micro-batches.
std::vector<std::vector<Action>> all_rows(const std::vector<std::uint32_t>& stages, std::uint32_t batches,
                                          bool in_order, const std::vector<StepKind>& kinds) {
  std::vector<std::vector<Action>> rows;
  std::vector<Action> row;
  const std::function<void()> extend = [&] {
    bool extended = false;
    for (const std::uint32_t stage : stages)
      for (const StepKind kind : kinds)
        for (std::uint32_t batch = 0; batch < batches; ++batch) {
          const Action action{stage, kind, batch};
          if (!may_follow(row, action) || (in_order && !is_next(row, action))) continue;
          extended = true;
          row.push_back(action);
          extend();
          row.pop_back();
        }
    if (!extended) rows.push_back(row);
  };
  extend();
  return rows;
}

using Rows = std::vector<std::vector<std::vector<Action>>>;  ///< by rank: its orders

/// The shortest of all combinations of rows that keeps the budgets; -1 where none does.
std::int64_t shortest(const Rows& rows, const ScheduleCosts& costs) {
  std::int64_t best = -1;
  Grid grid(rows.size());
  const std::function<void(std::size_t)> choose = [&](std::size_t rank) {
    if (rank < rows.size()) {
      for (const auto& row : rows[rank]) grid[rank] = row, choose(rank + 1);
      return;
    }
    try {
      const ScheduleEvaluation found = evaluate(grid, costs);
      if (fits_budget(found, costs) && (best < 0 || found.makespan.count < best)) best = found.makespan.count;
    } catch (const InputError&) {
      return;  // dead-locks
    }
  };
  choose(0);
  return best;
}

constexpr std::initializer_list<StepKind> kSplit{StepKind::forward, StepKind::input_gradient,
                                                 StepKind::weight_gradient};

Rows pipeline_rows(std::uint32_t ranks, std::uint32_t batches, bool in_order, const std::vector<StepKind>& kinds) {
  Rows rows;
  for (std::uint32_t rank = 0; rank < ranks; ++rank) rows.push_back(all_rows({rank}, batches, in_order, kinds));
  return rows;
}

AutomaticOptions quick(bool split = true) {
  return {.seed = 3, .effort = 2'000'000, .split_backward = split};
}

}  // namespace

TEST_CASE("the automatic scheduler finds the shortest of all orders, and proves it, wherever they can be enumerated") {
  struct Shape {
    std::uint32_t ranks, batches;
    int draws;
  };
  for (const Shape shape : {Shape{1, 4, 10}, {2, 1, 20}, {2, 2, 60}, {2, 3, 40}, {3, 1, 20}, {3, 2, 40}, {4, 1, 20},
                            {4, 2, 20}, {5, 1, 20}, {5, 2, 5}, {3, 3, 2}, {2, 4, 1}}) {
    const Rows rows = pipeline_rows(shape.ranks, shape.batches, true, kSplit);
    for (int draw = 0; draw < shape.draws; ++draw) {
      CAPTURE(shape.ranks, shape.batches, draw);
      Dice dice(static_cast<std::uint64_t>(1000 * draw) + shape.ranks * 10 + shape.batches);
      const ScheduleCosts costs = random_costs(dice, shape.ranks);

      const FoundSchedule found =
          find_schedule_automatically(costs, one_each(shape.ranks), shape.ranks, shape.batches, quick());

      REQUIRE(found.makespan.count == shortest(rows, costs));
      REQUIRE(found.lower_bound == found.makespan);
    }
  }
}

TEST_CASE("with whole backwards it finds the shortest order, too") {
  const Rows rows = pipeline_rows(3, 3, true, {StepKind::forward, StepKind::backward});
  for (std::uint64_t seed = 0; seed < 40; ++seed) {
    CAPTURE(seed);
    Dice dice(seed);
    const ScheduleCosts costs = random_costs(dice, 3);

    const FoundSchedule found = find_schedule_automatically(costs, one_each(3), 3, 3, quick(false));

    REQUIRE(found.makespan.count == shortest(rows, costs));
    REQUIRE(found.lower_bound == found.makespan);
  }
}

TEST_CASE("micro-batches in any order at all make no schedule shorter") {
  for (const std::uint32_t ranks : {2u, 3u}) {
    const Rows rows = pipeline_rows(ranks, 2, false, kSplit);
    REQUIRE(rows[0].size() == 20);  // 6! orders; one of 3! keeps F0 I0 W0, and of these one of 3! F1 I1 W1
    for (std::uint64_t seed = 0; seed < 12; ++seed) {
      CAPTURE(ranks, seed);
      Dice dice(seed);
      const ScheduleCosts costs = random_costs(dice, ranks);

      const FoundSchedule found = find_schedule_automatically(costs, one_each(ranks), ranks, 2, quick());

      REQUIRE(found.makespan.count == shortest(rows, costs));
    }
  }
}

TEST_CASE("two stages on each of two ranks, in turn or as a V, get the shortest order, too") {
  for (const std::vector<std::uint32_t>& place : {std::vector<std::uint32_t>{0, 1, 0, 1}, {0, 1, 1, 0}})
    for (std::uint64_t seed = 0; seed < 3; ++seed) {
      CAPTURE(place, seed);
      Dice dice(seed);
      ScheduleCosts costs = random_costs(dice, 4);
      costs.budget.clear();
      Rows rows;
      for (std::uint32_t rank = 0; rank < 2; ++rank) {
        std::vector<std::uint32_t> stages;
        Bytes least;
        for (std::uint32_t stage = 0; stage < 4; ++stage)
          if (place[stage] == rank) stages.push_back(stage), least += costs.kept[stage];
        costs.budget.push_back(Bytes{least.count * dice.between(100, 200) / 100});
        rows.push_back(all_rows(stages, 2, true, {StepKind::forward, StepKind::backward}));
      }

      const FoundSchedule found = find_schedule_automatically(costs, place, 2, 2, quick(false));

      REQUIRE(found.makespan.count == shortest(rows, costs));
      REQUIRE(found.lower_bound == found.makespan);
    }
}

TEST_CASE("where W needs more than I leaves, backwards are split only as far as the budget goes, and shortest") {
  std::vector<StepKind> kinds(kSplit);
  kinds.push_back(StepKind::backward);
  const Rows rows = pipeline_rows(2, 2, true, kinds);
  for (std::uint64_t seed = 0; seed < 30; ++seed) {
    CAPTURE(seed);
    Dice dice(seed);
    ScheduleCosts costs = random_costs(dice, 2);
    for (Bytes& after : costs.kept_after_input_gradient) after = Bytes{dice.between(20, 300)};

    const FoundSchedule found = find_schedule_automatically(costs, one_each(2), 2, 2, quick());

    REQUIRE(found.makespan.count == shortest(rows, costs));
    REQUIRE(found.lower_bound == found.makespan);
  }
}
