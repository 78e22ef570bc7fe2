// Orders of one's own: what is no schedule is refused, and the step is named.

#include "plan/lower.hpp"
#include "plan/verify.hpp"
#include "tests/catch.hpp"
#include "tests/plan/models.hpp"
#include "tests/plan/suitable_schedules.hpp"

using namespace tandem;

namespace {

constexpr auto F = StepKind::forward, B = StepKind::backward;
constexpr auto I = StepKind::input_gradient, W = StepKind::weight_gradient;

/// What lowering says to this order of two stages and two micro-batches.
std::string complaint_about(const Grid& grid, std::int64_t window = 2) {
  Plan plan = plan_of("1f1b", 2, 2);
  plan.window = window;
  return complaint([&] { verify(lower(plan, two_layer_mlp(), {3}, one_device_each(2), grid)); });
}

const std::vector<Action> kRank0{{0, F, 0}, {0, F, 1}, {0, B, 0}, {0, B, 1}};
const std::vector<Action> kRank1{{1, F, 0}, {1, B, 0}, {1, F, 1}, {1, B, 1}};

}  // namespace

TEST_CASE("an order of one's own is lowered where it is a schedule") {
  CHECK(complaint_about({kRank0, kRank1}) == "");
}

TEST_CASE("backward may run in reverse, as GPipe's paper draws it") {
  CHECK(complaint_about({{{0, F, 0}, {0, F, 1}, {0, B, 1}, {0, B, 0}}, {{1, F, 0}, {1, F, 1}, {1, B, 1}, {1, B, 0}}}) ==
        "");
}

TEST_CASE("a step that is missing is named") {
  CHECK(complaint_about({{{0, F, 0}, {0, F, 1}, {0, B, 0}}, kRank1}) == "error: rank 0 misses step 0B1");
  CHECK(complaint_about({kRank0, {{1, F, 0}, {1, B, 0}, {1, B, 1}}}) ==
        R"(error: rank 1 runs B before F; got "1B1")");
}

TEST_CASE("a step that runs twice is named") {
  CHECK(complaint_about({kRank0, {{1, F, 0}, {1, B, 0}, {1, B, 0}, {1, F, 1}, {1, B, 1}}}) ==
        R"(error: rank 1 runs a step twice; got "1B0")");
}

TEST_CASE("a backward before its forward is named") {
  CHECK(complaint_about({kRank0, {{1, F, 0}, {1, B, 1}, {1, F, 1}, {1, B, 0}}}) ==
        R"(error: rank 1 runs B before F; got "1B1")");
}

TEST_CASE("a step of another micro-batch or another kind is named") {
  CHECK(complaint_about({{{0, F, 2}}, kRank1}) ==
        R"(error: rank 0 cannot run this step; got "0F2", want F, B, I or W of micro-batches 0 to 1)");
  CHECK(complaint_about({{{0, StepKind::update, 0}}, kRank1}).find(R"(got "0update0")") != std::string::npos);
}

TEST_CASE("a rank without steps and a stage without steps are named") {
  CHECK(complaint_about({kRank0, {}}) == "error: rank 1 runs nothing; want at least one stage on each rank");
  CHECK(complaint_about({kRank0, {{2, F, 0}, {2, B, 0}, {2, F, 1}, {2, B, 1}}}) ==
        R"(error: no rank runs stage 1; got "3 stages", want steps of all stages from 0 to 2)");
}

TEST_CASE("a stage may live on two ranks, but each micro-batch passes it on one") {
  CHECK(complaint_about({kRank0, {{1, F, 0}, {1, F, 1}, {1, B, 0}, {1, B, 1}, {0, F, 0}}}) ==
        R"(error: rank 1 runs a step that belongs to rank 0, which ran the stage's forward; got "0F0")");
  CHECK(complaint_about({{{0, F, 0}, {0, F, 1}, {0, B, 0}}, {{1, F, 0}, {1, B, 0}, {1, F, 1}, {1, B, 1}, {0, B, 1}}}) ==
        R"(error: rank 1 runs a step that belongs to rank 0, which ran the stage's forward; got "0B1")");
}

TEST_CASE("a backward may be split, but not run whole as well, and W comes after I") {
  CHECK(complaint_about({kRank0, {{1, F, 0}, {1, I, 0}, {1, F, 1}, {1, B, 1}}}) == "error: rank 1 misses step 1W0");
  CHECK(complaint_about({kRank0, {{1, F, 0}, {1, W, 0}, {1, I, 0}, {1, F, 1}, {1, B, 1}}}) ==
        R"(error: rank 1 runs W before I; got "1W0")");
  CHECK(complaint_about({kRank0, {{1, F, 0}, {1, B, 0}, {1, I, 0}, {1, F, 1}, {1, B, 1}}}) ==
        R"(error: rank 1 runs both a whole backward and a part of it; got "1I0", want either B, or I and W)");
  CHECK(complaint_about({kRank0, {{1, F, 0}, {1, I, 0}, {1, B, 0}, {1, F, 1}, {1, B, 1}}}).find(R"(got "1B0")") !=
        std::string::npos);
}

TEST_CASE("a grid for another number of ranks is refused") {
  CHECK(complaint_about({kRank0}) ==
        R"(error: the schedule has another number of ranks than the plan; got "1 ranks", want 2)");
}

TEST_CASE(
    "neighbours that run micro-batches in different orders are refused, and the first step that differs is named") {
  CHECK(complaint_about({kRank0, {{1, F, 1}, {1, F, 0}, {1, B, 0}, {1, B, 1}}}) ==
        R"(error: neighbouring ranks run micro-batches in different orders; got "1F1", want 1F0)");
  CHECK(complaint_about({kRank0, {{1, F, 0}, {1, F, 1}, {1, B, 1}, {1, B, 0}}}) ==
        R"(error: neighbouring ranks run micro-batches in different orders; got "1B1", want 1B0)");
}

TEST_CASE("an order in which two ranks wait for each other is refused, and the circle is printed") {
  // Rank 0 wants 0B0 before it sends 0F1; rank 1 wants 1F1 before it sends 1B0.
  const std::string text =
      complaint_about({{{0, F, 0}, {0, B, 0}, {0, F, 1}, {0, B, 1}}, {{1, F, 0}, {1, F, 1}, {1, B, 0}, {1, B, 1}}});

  CHECK(text.find("error: the order dead-locks: ") == 0);
  CHECK(text.find(R"(worker "stage 0", step F of micro-batch 1 waits for worker "stage 0", step B of micro-batch 0)") !=
        std::string::npos);
  CHECK(text.find(R"(worker "stage 1", step B of micro-batch 0 waits for worker "stage 1", step F of micro-batch 1)") !=
        std::string::npos);
}

TEST_CASE("an order that needs more room for messages than the window gives is given that room") {
  // Rank 0 runs all its forwards first, rank 1 one backward after each. With window 1 rank 1 stops at its third
  // backward, whose predecessor waits for 0B0, which waits for all forwards, which wait for rank 1.
  constexpr std::uint32_t kBatches = 8;
  Grid grid(2);
  for (std::uint32_t batch = 0; batch < kBatches; ++batch) grid[0].push_back({0, F, batch});
  for (std::uint32_t batch = 0; batch < kBatches; ++batch) {
    grid[0].push_back({0, B, batch});
    grid[1].push_back({1, F, batch});
    grid[1].push_back({1, B, batch});
  }
  Plan plan = plan_of("1f1b", 2, kBatches);
  const auto complain = [&](std::int64_t window) {
    plan.window = window;
    return complaint([&] { verify(lower(plan, two_layer_mlp(), {3}, one_device_each(2), grid)); });
  };

  CHECK(complain(8) == "");
  CHECK(complain(1) == "");
}

TEST_CASE("the table's schedules verify with every window") {
  for (std::size_t ranks = 1; ranks <= 8; ++ranks)
    for (std::int64_t batches = 1; batches <= 8; ++batches)
      for (const std::string& schedule : suitable_schedules(ranks, batches, 16))
        for (const std::int64_t window : {1, 2, 4}) {
          Plan plan = plan_of(schedule, ranks, batches);
          plan.window = window;
          CAPTURE(schedule, ranks, batches, window);

          const Program program = lower(plan, equal_blocks(16), block_cuts(stage_count(plan)), one_device_each(ranks));

          REQUIRE(complaint([&] { verify(program); }) == "");
        }
}
