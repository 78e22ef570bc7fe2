#include "plan/schedule_evaluation.hpp"

#include "tests/catch.hpp"
#include "tests/plan/automatic_schedule_cases.hpp"

using namespace tandem;

namespace {

constexpr StepKind F = StepKind::forward, B = StepKind::backward, I = StepKind::input_gradient,
                   W = StepKind::weight_gradient;

}  // namespace

TEST_CASE("two stages with messages take the time, and hold the memory, that one finds with a pencil") {
  ScheduleCosts costs = equal_costs(2, 2, 10, 20, 5, 4);
  costs.message_forward = {{3}};
  costs.message_backward = {{4}};
  const Grid grid{{{0, F, 0}, {0, F, 1}, {0, B, 0}, {0, B, 1}},
                  {{1, F, 0}, {1, I, 0}, {1, F, 1}, {1, I, 1}, {1, W, 0}, {1, W, 1}}};

  const ScheduleEvaluation found = evaluate(grid, costs);

  // Rank 1: F0 13-23, I0 23-43, F1 43-53, I1 53-73, W0 -78, W1 -83. Rank 0: F0 0-10, F1 10-20, B0 47-72, B1 77-102.
  CHECK(found.makespan.count == 102);
  CHECK(found.ranks[0].busy.count == 2 * (10 + 25));
  CHECK(found.ranks[0].first_start.count == 0);
  CHECK(found.ranks[0].last_end.count == 102);
  CHECK(found.ranks[1].first_start.count == 13);
  CHECK(found.ranks[1].last_end.count == 83);
  CHECK(found.ranks[0].peak.count == 2 * 2);  // two micro-batches of two bytes
  CHECK(found.ranks[1].peak.count == 2 + 1);  // one from F, and what W of the other still needs
  CHECK(fits_budget(found, costs));
  costs.budget[0] = {3};
  CHECK_FALSE(fits_budget(found, costs));
}

TEST_CASE("what W needs may be more than what I does: while I runs the larger counts, and a B never holds it") {
  ScheduleCosts costs = equal_costs(1, 1, 1, 1, 1, 9);
  costs.kept_after_input_gradient = {{5}};

  CHECK(evaluate({{{0, F, 0}, {0, I, 0}, {0, W, 0}}}, costs).ranks[0].peak.count == 5);
  CHECK(evaluate({{{0, F, 0}, {0, F, 1}, {0, I, 0}, {0, W, 0}, {0, B, 1}}}, costs).ranks[0].peak.count == 7);  // 2 + 5
  CHECK(evaluate({{{0, F, 0}, {0, B, 0}}}, costs).ranks[0].peak.count == 2);
}

TEST_CASE("every synchronous schedule of the table with one stage per rank meets the closed form of equal steps") {
  for (const std::string name : {"gpipe", "1f1b"})
    for (std::uint32_t ranks = 1; ranks <= 6; ++ranks)
      for (std::uint32_t batches = 1; batches <= 8; ++batches) {
        CAPTURE(name, ranks, batches);
        const ScheduleCosts costs = equal_costs(ranks, ranks, 7, 8, 6, 0);

        const ScheduleEvaluation found = evaluate(find_schedule(name).order({ranks, batches}), costs);

        CHECK(found.makespan.count == (batches + ranks - 1) * (7 + 8 + 6));  // (m + p - 1)(f + b)
      }
}

TEST_CASE("stages of one rank send each other no message, and a stage may live on two ranks") {
  ScheduleCosts v = equal_costs(2, 1, 10, 10, 10, 9);
  v.message_forward = v.message_backward = {{1000}};
  ScheduleCosts copies = equal_costs(1, 2, 10, 10, 10, 9);

  CHECK(evaluate({{{0, F, 0}, {1, F, 0}, {1, B, 0}, {0, B, 0}}}, v).makespan.count == 60);
  CHECK(evaluate({{{0, F, 0}, {0, B, 0}}, {{0, F, 1}, {0, B, 1}}}, copies).makespan.count == 30);
}

TEST_CASE("a grid that cannot run is refused with the step at fault") {
  const ScheduleCosts costs = equal_costs(2, 2, 1, 1, 1, 9);

  CHECK(complaint([&] { evaluate({{{0, B, 0}}, {}}, costs); }) == "error: rank 0 runs 0B0 before what it needs");
  CHECK(complaint([&] { evaluate({{{0, F, 0}, {0, F, 0}}, {}}, costs); }) == "error: rank 0 runs 0F0 a second time");
  CHECK(complaint([&] { evaluate({{{0, F, 0}}, {{1, F, 0}, {1, W, 0}}}, costs); }) ==
        "error: rank 1 runs 1W0 before what it needs");
  CHECK(complaint([&] { evaluate({{{0, F, 0}}, {{1, F, 0}, {1, I, 0}}}, costs); }) ==
        "error: the schedule misses a step of micro-batch 0 on stage 0");
  CHECK(complaint([&] { evaluate({{{0, F, 0}, {0, B, 0}}, {{1, F, 1}, {1, B, 1}}}, costs); }) ==
        "error: the schedule dead-locks: rank 0 waits to run 0B0");
  CHECK(complaint([&] { evaluate({{{2, F, 0}}, {}}, costs); }) ==
        R"(error: no such action in a schedule; got "2F0", want F, B, I or W of 2 stages)");
  CHECK(complaint([&] { evaluate({{}}, costs); }) ==
        R"(error: budget of a schedule's costs has the wrong length; got "2", want 1)");
}
