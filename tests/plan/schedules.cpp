#include "plan/schedule.hpp"

#include <algorithm>
#include <set>

#include "tests/catch.hpp"
#include "tests/plan/models.hpp"
#include "tests/plan/schedule_scene.hpp"

using namespace tandem;

namespace {

constexpr std::uint32_t kMost = 8;

/// The most micro-batches whose F has run and whose B has not.
std::uint32_t in_flight(const std::vector<Action>& row) {
  std::uint32_t now = 0, most = 0;
  for (const Action& action : row) {
    action.kind == StepKind::forward ? ++now : --now;
    most = std::max(most, now);
  }
  return most;
}

std::uint32_t leading_forwards(const std::vector<Action>& row) {
  const auto first_backward =
      std::find_if(row.begin(), row.end(), [](const Action& action) { return action.kind == StepKind::backward; });
  return static_cast<std::uint32_t>(first_backward - row.begin());
}

template <class Act>
void for_all_shapes(Act act) {
  for (std::uint32_t ranks = 1; ranks <= kMost; ++ranks)
    for (std::uint32_t batches = 1; batches <= kMost; ++batches) {
      CAPTURE(ranks, batches);
      act(ScheduleShape{ranks, batches});
    }
}

}  // namespace

TEST_CASE("each schedule prints as its golden grid, with fewer micro-batches than ranks, too") {
  for (const Schedule& schedule : schedules())
    for (const ScheduleShape shape :
         {ScheduleShape{4, 8, 2}, ScheduleShape{4, 2, 2}, ScheduleShape{1, 3, 2}, ScheduleShape{2, 3, 2}}) {
      const std::optional<Grid> grid = grid_if_any(schedule, shape);
      if (!grid) continue;
      const std::string file = "schedule_" + std::string(schedule.name) + "_p" + std::to_string(shape.ranks) + "_m" +
                               std::to_string(shape.micro_batches) + ".txt";
      CAPTURE(file);

      const std::string text = text_of(*grid);

      CHECK(text == golden_schedule(file));
    }
}

TEST_CASE("a rank holds the activations of m micro-batches in gpipe, of min(m, p - s) in 1f1b, of one in sequential") {
  for_all_shapes([](const ScheduleShape& shape) {
    const Grid gpipe = find_schedule("gpipe").order(shape), one = find_schedule("1f1b").order(shape),
               sequential = find_schedule("sequential").order(shape);

    for (std::uint32_t rank = 0; rank < shape.ranks; ++rank) {
      REQUIRE(in_flight(gpipe[rank]) == shape.micro_batches);
      REQUIRE(in_flight(one[rank]) == std::min(shape.micro_batches, shape.ranks - rank));
      REQUIRE(in_flight(sequential[rank]) == 1);
    }
  });
}

TEST_CASE("1f1b warms up with p - 1 - s forwards, and its first backward follows one more") {
  const Grid grid = find_schedule("1f1b").order({4, 8});

  CHECK(leading_forwards(grid[0]) == 4);  // 3 to fill the pipeline, then one forward before each backward
  CHECK(leading_forwards(grid[1]) == 3);
  CHECK(leading_forwards(grid[2]) == 2);
  CHECK(leading_forwards(grid[3]) == 1);
  CHECK(leading_forwards(find_schedule("1f1b").order({4, 2})[0]) == 2);  // no more than there are
}

TEST_CASE("with equal steps the schedules take the slots of their closed forms") {
  for_all_shapes([](const ScheduleShape& shape) {
    const std::size_t p = shape.ranks, m = shape.micro_batches;

    // Rank 0 runs the last backward. F and B take one slot each, so (m + p - 1)(f + b) is 2 (m + p - 1).
    REQUIRE(time_grid(find_schedule("gpipe").order(shape))[0].size() == 2 * (m + p - 1));
    REQUIRE(time_grid(find_schedule("1f1b").order(shape))[0].size() == 2 * (m + p - 1));
    REQUIRE(time_grid(find_schedule("sequential").order(shape))[0].size() == 2 * m * p);
  });
}

TEST_CASE("the table of schedules is sorted, and each row has a meaning and a source") {
  std::vector<std::string> names;
  for (const Schedule& schedule : schedules()) {
    names.emplace_back(schedule.name);
    CHECK_FALSE(schedule.meaning.empty());
    CHECK_FALSE(schedule.source.empty());
  }

  CHECK(std::is_sorted(names.begin(), names.end()));
  CHECK(std::set(names.begin(), names.end()).size() == names.size());
}

TEST_CASE("an unknown schedule is refused with the nearest name and the list") {
  CHECK(complaint([] { find_schedule("gpip"); }) ==
        R"(error: no such schedule; did you mean "gpipe"?; got "gpip", want one of 1f1b, chimera, dualpipe, dualpipev, )"
        "gpipe, gpipe-reversed, hanayo, interleaved-1f1b, pipedream, pipedream-2bw, pipedream-vertical-sync, "
        "sequential, v-half, v-min, zb-h1, zb-h2, zb-v");
}

TEST_CASE("a step prints as stage, letter and micro-batch") {
  CHECK(to_text({2, StepKind::forward, 0}) == "2F0");
  CHECK(to_text({0, StepKind::backward, 11}) == "0B11");
  CHECK(to_text({1, StepKind::weight_gradient, 3}) == "1W3");
}

TEST_CASE("a grid in which every rank waits is refused, and the steps at which they wait are named") {
  // Rank 0 wants 0B0 before it runs 0F1; rank 1 wants 1F1 before it runs 1B0.
  const Grid grid{
      {{0, StepKind::forward, 0}, {0, StepKind::backward, 0}, {0, StepKind::forward, 1}, {0, StepKind::backward, 1}},
      {{1, StepKind::forward, 0}, {1, StepKind::forward, 1}, {1, StepKind::backward, 0}, {1, StepKind::backward, 1}}};

  CHECK(complaint([&] { time_grid(grid); }) ==
        "error: the schedule dead-locks: rank 0 waits to run 0B0, rank 1 waits to run 1F1");
}
