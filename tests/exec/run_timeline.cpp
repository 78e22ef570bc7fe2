// What a run records: every step once, in the order of its stream, after what it waited for.

#include <algorithm>

#include "exec/profile.hpp"
#include "exec/waits.hpp"
#include "plan/program_builder.hpp"
#include "tests/catch.hpp"
#include "tests/exec/run_scenario.hpp"

using namespace tandem;

namespace {

Picoseconds length(const Timeline& timeline, StepId step) {
  return timeline.spans[index_of(step)].end - timeline.spans[index_of(step)].start;
}

/// Seen from the calling thread alone: the violations of a timeline against its Program.
std::vector<std::string> violations(const Program& program, const Timeline& timeline) {
  std::vector<std::string> found;
  for (std::uint32_t i = 0; i < program.step_count(); ++i) {
    const auto id = static_cast<StepId>(i);
    const Span& span = timeline.spans[i];
    if (span.start.count < 0 || span.end < span.start) found.push_back(program.describe(id) + " has no length");
    if (timeline.order[i] != id) found.push_back(program.describe(id) + " ran out of order");
    for (const StepId earlier : program.after(id))
      if (timeline.spans[index_of(earlier)].end > span.start) found.push_back(program.describe(id) + " did not wait");
    const bool follows = i > index_of(program.stream(program.step(id).stream).first);
    if (follows && timeline.spans[i - 1].end > span.start) found.push_back(program.describe(id) + " overlaps");
  }
  return found;
}

}  // namespace

TEST_CASE("steps of a run follow their stream and their edges") {
  for (const Model& model : {small_mlp(), small_gpt()}) {
    const Dataset dataset = small_data(model);
    const Program program = program_of(model, {.ranks = 4});

    for (const auto ride : {run_on_threads, run_on_one_thread}) {
      const RunResult result = ride(program, model, dataset, {.iterations = 3});

      CHECK(result.timelines.size() == 3);
      for (const Timeline& timeline : result.timelines) CHECK(violations(program, timeline).empty());
    }
  }
}

TEST_CASE("both ends of a message have one span") {
  const Model model = small_gpt();
  const Dataset dataset = small_data(model);
  const Program program = program_of(model, {.ranks = 2});

  for (const auto ride : {run_on_threads, run_on_one_thread}) {
    const Timeline timeline = ride(program, model, dataset, {}).timelines[0];

    for (const Message& message : program.messages()) {
      const Span sent = timeline.spans[index_of(message.send)], received = timeline.spans[index_of(message.receive)];
      CHECK(sent.start == received.start);
      CHECK(sent.end == received.end);
    }
  }
}

TEST_CASE("a run makes one thread for each worker: messages need none") {
  const Model model = small_mlp();
  const Dataset dataset = small_data(model);

  const RunResult one = run_on_threads(program_of(model, {.ranks = 1}), model, dataset, {});
  const RunResult two = run_on_threads(program_of(model, {.ranks = 2}), model, dataset, {});

  CHECK(one.thread_count == 1);
  CHECK(two.thread_count == 2);
}

TEST_CASE("each step has the processor time of its thread") {
  const Model model = small_gpt();
  const Dataset dataset = small_data(model);
  const Program program = program_of(model, {.ranks = 2});

  const Timeline timeline = run_on_threads(program, model, dataset, {}).timelines[0];

  REQUIRE(timeline.cpu_time.size() == program.step_count());
  for (std::uint32_t i = 0; i < program.step_count(); ++i)
    if (program.step(static_cast<StepId>(i)).kind == StepKind::backward) CHECK(timeline.cpu_time[i].count > 0);
}

TEST_CASE("a paced step ends no sooner than its target, and computes the same") {
  const Model model = small_mlp();
  const Dataset dataset = small_data(model);
  const Program program = program_of(model, {.ranks = 2, .micro_batches = 2});
  const Picoseconds work{2'000'000'000}, channel{1'000'000'000};  // 2 ms and 1 ms
  RunOptions options;
  options.pacing = Pacing{std::vector(program.works().size(), work), std::vector(program.channels().size(), channel)};
  options.stall_after = std::chrono::milliseconds(2000);
  const RunResult free = run_on_threads(program, model, dataset, {});

  for (const auto ride : {run_on_threads, run_on_one_thread}) {
    const RunResult paced = ride(program, model, dataset, options);

    for (std::uint32_t i = 0; i < program.step_count(); ++i) {
      const auto id = static_cast<StepId>(i);
      const bool moves = program.step(id).kind == StepKind::send || program.step(id).kind == StepKind::receive;
      CHECK(length(paced.timelines[0], id) >= (moves ? channel : work));
    }
    CHECK(paced.losses == free.losses);
  }
}

TEST_CASE("a profile times every kernel of the model and every step of the iteration") {
  const Model model = small_gpt();
  const Dataset dataset = small_data(model);
  const Program program = program_of(model, {.ranks = 1, .micro_batches = 4, .micro_batch_size = 3});

  const KernelProfile profile = profile_kernels(program, model, dataset, {.iterations = 5}, 2);

  const auto named = [&](const std::string& signature) {
    const auto row = std::find_if(profile.kernels.begin(), profile.kernels.end(),
                                  [&](const KernelTiming& timing) { return timing.signature == signature; });
    return row == profile.kernels.end() ? std::size_t{0} : row->times.size();
  };
  const auto signature = [&](std::size_t layer, Pass pass) {
    return kernel_signature(model, static_cast<LayerId>(layer), pass, 3);
  };
  const std::size_t last = model.layer_count() - 1;
  CHECK(named(signature(last, Pass::forward)) == 20);          // 1 loss x 4 micro-batches x 5 iterations
  CHECK(named(signature(last, Pass::input_gradient)) == 20);
  CHECK(named(signature(last, Pass::weight_gradient)) == 0);   // a loss has no parameters
  for (std::size_t layer = 0; layer < model.layer_count(); ++layer) CHECK(named(signature(layer, Pass::forward)) >= 20);
  CHECK(std::is_sorted(profile.kernels.begin(), profile.kernels.end(),
                       [](const auto& a, const auto& b) { return a.signature < b.signature; }));
  std::vector<StepKind> kinds;
  for (const StepTiming& step : profile.steps) kinds.push_back(step.kind);
  CHECK(kinds == std::vector{StepKind::zero_gradients, StepKind::add_gradient, StepKind::update});
  for (const StepTiming& step : profile.steps) CHECK(step.times.size() == 5);
}

TEST_CASE("a step waits once for each stream, and not for what its own stream has waited for") {
  ProgramBuilder builder;
  const Model model = small_mlp();
  const SegmentId segment = builder.add_segment(lay_out_segment(undivided(model), 0, model.layer_count(), 1));
  std::vector<StepId> left, right;
  for (auto* steps : {&left, &right}) {
    const WorkerId worker = builder.add_worker("w", 0, DeviceId{0});
    const WorkId work = builder.add_work({StepKind::zero_gradients, worker, segment});
    for (int i = 0; i < 3; ++i) steps->push_back(builder.add_compute(work, 0));
  }
  builder.add_after(right[0], left[0]);
  builder.add_after(right[0], left[1]);
  builder.add_after(right[1], left[0]);
  builder.add_after(right[2], left[2]);

  const Program program = std::move(builder).finish(1);
  const Waits waits(program);

  const auto first = program.stream(program.workers()[1].compute).first;
  const auto of = [&](std::uint32_t i) { return waits.of(static_cast<StepId>(index_of(first) + i)); };
  REQUIRE(of(0).size() == 1);
  CHECK(of(0)[0].count == 2);  // left[0] and left[1] have ended
  CHECK(of(1).empty());        // known since right[0]
  REQUIRE(of(2).size() == 1);
  CHECK(of(2)[0].count == 3);
}
