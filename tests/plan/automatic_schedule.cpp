#include "plan/automatic_schedule.hpp"

#include <algorithm>
#include <cmath>

#include "plan/automatic_schedule_order.hpp"
#include "tests/catch.hpp"
#include "tests/plan/automatic_schedule_cases.hpp"

using namespace tandem;

namespace {

FoundSchedule find(const ScheduleInstance& instance, std::uint64_t effort, std::uint64_t seed = 1) {
  return find_schedule_automatically(instance.costs, one_each(instance.stages), instance.stages, instance.micro_batches,
                                     {.seed = seed, .effort = effort});
}

/// The shortest row of the table with one stage on each rank in turn that keeps the budgets, worked out again.
std::int64_t best_row(const ScheduleInstance& instance) {
  std::int64_t best = kNever;
  for (const Schedule& row : schedules()) {
    if (row.updates != Updates::at_flush) continue;
    try {
      const Grid grid = row.order({instance.stages, instance.micro_batches});
      if (stage_count(grid) != instance.stages) continue;
      for (std::uint32_t rank = 0; rank < grid.size(); ++rank)
        for (const Action& action : grid[rank])
          if (action.stage != rank) throw InputError("elsewhere");
      const ScheduleEvaluation found = evaluate(grid, instance.costs);
      if (fits_budget(found, instance.costs)) best = std::min(best, found.makespan.count);
    } catch (const InputError&) {
      continue;
    }
  }
  return best;
}

}  // namespace

TEST_CASE("on 500 random instances it is never worse than the table, and in the median within 3 % of its bound") {
  std::vector<double> over;
  for (std::uint64_t seed = 0; seed < 500; ++seed) {
    CAPTURE(seed);
    const ScheduleInstance instance = random_instance(seed);

    const FoundSchedule found = find(instance, 2'000'000);
    const ScheduleEvaluation again = evaluate(found.grid, instance.costs);

    REQUIRE(again.makespan == found.makespan);
    REQUIRE(fits_budget(again, instance.costs));
    REQUIRE(found.table_makespan.count == best_row(instance));
    REQUIRE(found.makespan <= found.table_makespan);
    REQUIRE(found.lower_bound <= found.makespan);
    over.push_back(static_cast<double>(found.makespan.count) / static_cast<double>(found.lower_bound.count) - 1);
  }

  std::nth_element(over.begin(), over.begin() + 250, over.end());
  CHECK(over[250] <= 0.03);
}

TEST_CASE("with equal steps and 1F1B's budget it reaches ZB-H1's time, and more memory cannot help") {
  // Zero Bubble (2401.10241), table 2, with F = I = W = 1: ZB-H1's bubble is (p - 1)(F + I - W) = p - 1 in the memory
  // of p micro-batches; ZB-H2's (p - 1)(F + I - 2 W) = 0 in that of 2 p - 1.
  const std::uint32_t p = 4, m = 12;
  const ScheduleCosts tight = equal_costs(p, p, 1, 1, 1, 2 * p), wide = equal_costs(p, p, 1, 1, 1, 2 * (2 * p - 1));

  const FoundSchedule one = find_schedule_automatically(tight, one_each(p), p, m);
  const FoundSchedule two = find_schedule_automatically(wide, one_each(p), p, m);

  CHECK(one.makespan.count == 3 * m + p - 1);
  CHECK(one.lower_bound == one.makespan);
  CHECK(two.makespan.count == 3 * m + p - 1);  // the last rank cannot start before p - 1
  CHECK(two.lower_bound == two.makespan);
}

TEST_CASE("the same input and seed give the same grid") {
  for (const std::uint64_t seed : {7, 8, 9}) {
    const ScheduleInstance instance = random_instance(seed);

    CHECK(find(instance, 1'000'000, seed).grid == find(instance, 1'000'000, seed).grid);
  }
}

TEST_CASE("what it finds runs each F, I and W once, each kind in the order of micro-batches") {
  const ScheduleInstance instance = random_instance(11);

  const FoundSchedule found = find(instance, 1'000'000);

  for (std::uint32_t rank = 0; rank < instance.stages; ++rank) {
    std::uint32_t forwards = 0, backwards = 0, weights = 0;
    for (const Action& action : found.grid[rank]) {
      REQUIRE(action.stage == rank);
      if (action.kind == StepKind::forward) REQUIRE(action.micro_batch == forwards++);
      else if (action.kind == StepKind::weight_gradient) REQUIRE(action.micro_batch == weights++);
      else REQUIRE(action.micro_batch == backwards++);
    }
    REQUIRE(forwards == instance.micro_batches);
    REQUIRE(backwards == instance.micro_batches);
  }
}

TEST_CASE("several stages per rank, in turn or as a V, keep their budgets and beat one stage's bubble") {
  // Two ranks, four stages of half the work. Twice 1F1B's peak of one whole stage is 2 * 2 * 2 half stages of 2 bytes.
  const std::uint32_t m = 8;
  const ScheduleCosts whole = equal_costs(2, 2, 20, 20, 20, 16), halves = equal_costs(4, 2, 10, 10, 10, 16);

  const FoundSchedule one = find_schedule_automatically(whole, {0, 1}, 2, m, {.split_backward = false});
  for (const std::vector<std::uint32_t>& place : {std::vector<std::uint32_t>{0, 1, 0, 1}, {0, 1, 1, 0}}) {
    CAPTURE(place);
    const FoundSchedule found = find_schedule_automatically(halves, place, 2, m, {.split_backward = false});
    const ScheduleEvaluation again = evaluate(found.grid, halves);

    CHECK(again.makespan == found.makespan);
    CHECK(fits_budget(again, halves));
    CHECK(found.makespan < one.makespan);
  }
  CHECK(one.makespan.count == (m + 1) * 60);  // (m + p - 1)(f + b), as in 1F1B
}

TEST_CASE("stages anywhere, budgets from the smallest possible on: what is found fits, and no bound is passed") {
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    CAPTURE(seed);
    Dice dice(seed);
    const auto ranks = static_cast<std::uint32_t>(dice.between(1, 4));
    const auto chunks = static_cast<std::uint32_t>(dice.between(1, 3));
    ScheduleCosts costs = random_costs(dice, ranks * chunks);
    std::vector<std::uint32_t> place;
    for (std::uint32_t stage = 0; stage < ranks * chunks; ++stage)
      place.push_back(stage < ranks ? stage : static_cast<std::uint32_t>(dice.between(0, ranks - 1)));
    costs.budget.assign(ranks, {});
    for (std::uint32_t stage = 0; stage < place.size(); ++stage) {
      if (dice.chance(4)) costs.kept_after_input_gradient[stage] = {dice.between(20, 300)};
      costs.budget[place[stage]] += costs.kept[stage];
    }
    for (Bytes& budget : costs.budget) budget = Bytes{budget.count * dice.between(100, 300) / 100};
    const auto batches = static_cast<std::uint32_t>(dice.between(1, 10));

    const FoundSchedule found = find_schedule_automatically(
        costs, place, ranks, batches, {.seed = seed, .effort = 200'000, .split_backward = !dice.chance(3)});
    const ScheduleEvaluation again = evaluate(found.grid, costs);

    REQUIRE(again.makespan == found.makespan);
    REQUIRE(fits_budget(again, costs));
    REQUIRE(found.lower_bound <= found.makespan);
    for (std::uint32_t rank = 0; rank < ranks; ++rank)
      for (const Action& action : found.grid[rank]) REQUIRE(place[action.stage] == rank);
  }
}

TEST_CASE("a budget below the smallest possible is refused with that smallest figure, which is enough") {
  Dice dice(5);
  ScheduleCosts costs = random_costs(dice, 4);
  for (std::uint32_t stage = 0; stage < 4; ++stage) costs.kept[stage] = {100 + stage}, costs.budget[stage] = {500};
  costs.budget[2] = {101};

  CHECK(complaint([&] { find_schedule_automatically(costs, one_each(4), 4, 3); }) ==
        R"(error: the activations of one micro-batch do not fit rank 2's budget; got "101 B", want at least 102 B)");
  costs.budget = {{100}, {101}, {102}, {103}};
  const FoundSchedule found = find_schedule_automatically(costs, one_each(4), 4, 3);
  CHECK(fits_budget(evaluate(found.grid, costs), costs));
  CHECK(found.best_of_table == "sequential");  // one micro-batch at a time is all that fits
}

TEST_CASE("lists of the wrong length, ranks without stages and nothing to do are refused") {
  ScheduleCosts costs = equal_costs(2, 2, 1, 1, 1, 9);

  CHECK(complaint([&] { find_schedule_automatically(costs, {0, 0}, 2, 1); }) == "error: rank 1 has no stage");
  CHECK(complaint([&] { find_schedule_automatically(costs, {0, 2}, 2, 1); }) ==
        R"(error: stage 1 has no such rank; got "2", want a rank below 2)");
  CHECK(complaint([&] { find_schedule_automatically(costs, {0, 1}, 2, 0); }) ==
        "error: no schedule for so many stages or micro-batches; got \"2 and 0\", "
        "want 1 to 4096 stages and at least 1 micro-batch");
  costs.forward.pop_back();
  CHECK(complaint([&] { find_schedule_automatically(costs, {0, 1}, 2, 1); }) ==
        R"(error: forward of a schedule's costs has the wrong length; got "1", want 2)");
  costs.forward.push_back({-1});
  CHECK(complaint([&] { find_schedule_automatically(costs, {0, 1}, 2, 1); }) ==
        R"(error: forward of a schedule's costs is negative; got "-1")");
}

TEST_CASE("a step that takes no time, and a stage that keeps nothing, are no trouble") {
  ScheduleCosts costs = equal_costs(3, 3, 0, 5, 0, 0);
  costs.kept.assign(3, {0});
  costs.kept_after_input_gradient.assign(3, {0});

  const FoundSchedule found = find_schedule_automatically(costs, one_each(3), 3, 4);

  CHECK(found.makespan.count == 4 * 5 + 2 * 5);  // four I in a row, which the other two stages see pass
  CHECK(found.lower_bound == found.makespan);
}

TEST_CASE("the clock of words agrees with the evaluation of grids") {
  for (std::uint64_t seed = 20; seed < 40; ++seed) {
    CAPTURE(seed);
    const ScheduleInstance instance = random_instance(seed);
    const ScheduleProblem problem =
        make_problem(instance.costs, one_each(instance.stages), instance.stages, instance.micro_batches, true);
    OrderClock clock(problem);

    for (const std::string name : {"sequential", "1f1b", "gpipe"}) {
      const Grid grid = find_schedule(name).order({instance.stages, instance.micro_batches});
      const Order apart = split_backwards(to_order(grid));

      CHECK(to_grid(to_order(grid)) == grid);
      CHECK(clock.run(to_order(grid)) == evaluate(grid, instance.costs).makespan.count);
      CHECK(clock.run(apart) == evaluate(to_grid(apart), instance.costs).makespan.count);
    }
  }
}
