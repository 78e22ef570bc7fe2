// Which collectives the compute thread runs itself, and before which of its steps.

#include "exec/inline_steps.hpp"
#include "plan/program_builder.hpp"
#include "tests/catch.hpp"
#include "tests/exec/collective_scene.hpp"
#include "tests/exec/run_scenario.hpp"

using namespace tandem;

namespace {

/// Two workers of five compute steps, c0 to c4, and collectives between them.
struct Scene {
  struct Between {
    std::uint32_t after, before;  ///< compute steps of both workers
    StreamKind stream = StreamKind::tensor;
  };
  explicit Scene(const std::vector<Between>& collectives, std::optional<std::uint32_t> other_wait = {})
      : program(made(collectives, other_wait)) {}

  StepId compute(std::uint32_t i) const { return static_cast<StepId>(index_of(first()) + i); }
  StepId member(std::uint32_t collective) const {
    return program.members(program.collectives()[collective])[0].step;
  }
  /// Before which compute step of the first worker it runs; none: it has a thread.
  std::optional<std::uint32_t> place(std::uint32_t collective, bool overlaps) const {
    const Waits waits(program);
    const InlineSteps in_line(program, waits, overlaps);
    for (std::uint32_t i = 0; i < 5; ++i)
      for (const StepId step : in_line.before(compute(i)))
        if (step == member(collective)) return i;
    CHECK_FALSE(in_line.contains(member(collective)));
    return std::nullopt;
  }

  Program program;

 private:
  StepId first() const { return program.stream(program.workers()[0].compute).first; }

  /// `other_wait`: that step of the first worker waits for c0 of the second.
  static Program made(const std::vector<Between>& collectives, std::optional<std::uint32_t> other_wait) {
    ProgramBuilder builder;
    const Model model = small_mlp();
    const SegmentId segment = builder.add_segment(lay_out_segment(undivided(model), 0, model.layer_count(), 1));
    std::vector<std::vector<StepId>> steps(2);
    for (std::uint32_t w = 0; w < 2; ++w) {
      const WorkerId worker = builder.add_worker("worker", w, DeviceId{0});
      const WorkId work = builder.add_work({StepKind::zero_gradients, worker, segment});
      for (int i = 0; i < 5; ++i) steps[w].push_back(builder.add_compute(work, 0));
    }
    for (const Between& row : collectives) {
      const CollectiveShape shape{CollectiveKind::all_reduce, 2, 1, equal_bounds(8, 2)};
      const CollectiveId id = builder.add_collective(builder.add_collective_spec(spec_of(find_collective_algorithm("ring"), shape, row.stream)), 0);
      for (std::uint32_t w = 0; w < 2; ++w) {
        builder.add_after(builder.step_of(id, w), steps[w][row.after]);
        builder.add_after(steps[w][row.before], builder.step_of(id, w));
      }
    }
    if (other_wait) builder.add_after(steps[0][*other_wait], steps[1][0]);
    return std::move(builder).finish(1);
  }
};

}  // namespace

TEST_CASE("a collective that nothing is computed beside runs on the compute thread") {
  const Scene scene({{1, 2}});

  for (const bool overlaps : {false, true}) CHECK(scene.place(0, overlaps) == 2);
}

TEST_CASE("a collective beside compute steps has a thread where there is a core for it, else it comes after them") {
  const Scene scene({{1, 4}});

  CHECK(scene.place(0, true) == std::nullopt);
  CHECK(scene.place(0, false) == 4);
}

TEST_CASE("a collective is not put off beyond a step that waits for something else") {
  CHECK(Scene({{1, 4}}, 1).place(0, false) == 4);             // c1 itself has come before
  CHECK(Scene({{1, 4}}, 2).place(0, false) == std::nullopt);  // c2 might wait for what the collective brings about
  CHECK(Scene({{1, 4}}, 4).place(0, false) == 4);
}

TEST_CASE("of two streams of collectives before one step one is inline") {
  const Scene scene({{1, 2}, {1, 2, StreamKind::data}});

  CHECK(scene.place(0, false).has_value() != scene.place(1, false).has_value());
}

TEST_CASE("collectives of one stream before one step keep their order") {
  const Scene scene({{1, 4}, {2, 4}});
  const Waits waits(scene.program);

  const InlineSteps in_line(scene.program, waits, false);

  const auto before = in_line.before(scene.compute(4));
  CHECK(std::vector(before.begin(), before.end()) == std::vector{scene.member(0), scene.member(1)});
  CHECK(in_line.contains_all(scene.program.step(scene.member(0)).stream));
}
