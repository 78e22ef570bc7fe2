// Every row of the table is a schedule at every shape that it does not refuse.

#include <map>

#include "tests/catch.hpp"
#include "tests/plan/models.hpp"
#include "tests/plan/schedule_scene.hpp"

using namespace tandem;

namespace {

template <class Act>
void for_all_shapes(Act act) {
  for (std::uint32_t ranks = 1; ranks <= 9; ++ranks)
    for (std::uint32_t batches = 1; batches <= 20; ++batches)
      for (std::uint32_t chunks = 1; chunks <= 4; ++chunks) act(ScheduleShape{ranks, batches, chunks});
}

bool refuses(std::string_view name, const ScheduleShape& shape) {
  const bool odd = shape.ranks % 2 != 0, few = shape.micro_batches < 2 * shape.ranks;
  if (name == "chimera") return odd;
  if (name == "dualpipe") return odd || few || shape.micro_batches % 2 != 0;
  return name == "dualpipev" && few;
}

}  // namespace

TEST_CASE("every schedule runs each step once, in an order that ends, wherever it does not refuse the shape") {
  for (const Schedule& schedule : schedules())
    for_all_shapes([&](const ScheduleShape& shape) {
      CAPTURE(schedule.name, shape.ranks, shape.micro_batches, shape.chunks);
      const std::optional<Grid> grid = grid_if_any(schedule, shape);
      REQUIRE(grid.has_value() != refuses(schedule.name, shape));
      if (!grid) return;

      const std::optional<GridFault> fault = find_fault(*grid, shape.micro_batches);
      const std::optional<GridFault> dead_lock = find_dead_lock(*grid);

      REQUIRE((fault ? fault->problem : "") == "");
      REQUIRE((dead_lock ? dead_lock->problem : "") == "");
      REQUIRE(grid->size() == shape.ranks);
      REQUIRE(stage_count(*grid) == stage_count(schedule, shape));
    });
}

TEST_CASE("every schedule but the reversed one runs the passes of each stage in micro-batch order") {
  for (const Schedule& schedule : schedules()) {
    if (schedule.name == "gpipe-reversed") continue;
    for (const ScheduleShape shape : {ScheduleShape{4, 8, 2}, ScheduleShape{6, 14, 3}}) {
      CAPTURE(schedule.name, shape.ranks);
      for (const auto& row : schedule.order(shape)) {
        std::map<std::pair<std::uint32_t, StepKind>, std::uint32_t> next;
        for (const Action& action : row) {
          // B and I share a count: both are the stage's backward pass.
          const StepKind kind = action.kind == StepKind::input_gradient ? StepKind::backward : action.kind;
          if (kind == StepKind::weight_gradient) continue;
          const auto [found, is_first] = next.insert({{action.stage, kind}, action.micro_batch});
          if (!is_first) REQUIRE(action.micro_batch > found->second);
          found->second = action.micro_batch;
        }
      }
    }
  }
}

TEST_CASE("a schedule that runs both ways refuses an odd number of ranks, and says which would do") {
  CHECK(complaint([] { grid_named("chimera", {3, 4}); }) ==
        "error: chimera runs the model in both directions, so it needs an even number of ranks; "
        R"(got "3 ranks", want 4)");
  CHECK(complaint([] { grid_named("dualpipe", {5, 20}); }).find(R"(got "5 ranks", want 6)") != std::string::npos);
}

TEST_CASE("a schedule that needs two micro-batches per rank refuses fewer") {
  CHECK(complaint([] { grid_named("dualpipe", {4, 6}); }) ==
        R"(error: dualpipe needs two micro-batches for each of its 4 ranks; got "6 micro-batches", want at least 8)");
  CHECK(complaint([] { grid_named("dualpipev", {4, 7}); }).find("want at least 8") != std::string::npos);
  CHECK(complaint([] { grid_named("dualpipe", {4, 9}); }) ==
        R"(error: dualpipe sends half of the micro-batches each way; got "9", want an even number of micro-batches)");
}
