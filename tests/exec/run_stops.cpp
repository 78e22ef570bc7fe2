// How a run is stopped from outside: by an interrupt, or by the watchdog when nothing ends any more.

#include <atomic>
#include <stop_token>

#include "exec/watchdog.hpp"
#include "plan/program_builder.hpp"
#include "tests/catch.hpp"
#include "tests/exec/run_scenario.hpp"

using namespace tandem;
using Catch::Contains;

namespace {

/// Two workers whose only steps wait for each other: what verify() refuses.
Program dead_lock(const Model& model) {
  ProgramBuilder builder;
  Segment layout = lay_out_segment(undivided(model), 0, model.layer_count(), 1);
  layout.local_model = builder.add_local_model(std::make_shared<LocalModel>(undivided(model)));
  const Bytes bytes = layout.gradient_bytes;
  const SegmentId segment = builder.add_segment(layout);
  std::vector<StepId> steps;
  for (const char* name : {"left", "right"}) {
    const WorkerId worker = builder.add_worker(name, static_cast<std::uint32_t>(steps.size()), DeviceId{0});
    const BufferId gradients =
        builder.add_buffer({worker, segment, BufferClass::gradient, BufferContent::gradients, bytes}, 0);
    steps.push_back(builder.add_compute(builder.add_work({StepKind::zero_gradients, worker, segment}), 0));
    builder.use(steps.back(), gradients, Access::write);
  }
  builder.add_after(steps[0], steps[1]);
  builder.add_after(steps[1], steps[0]);
  return std::move(builder).finish(1);
}

}  // namespace

TEST_CASE("an interrupt ends a run between steps") {
  for (const AnyRide ride : kRides) {
    const Fixture job;
    std::stop_source source;
    RunOptions options;
    options.stop = source.get_token();
    options.iterations = 100'000;
    options.after_iteration = [&](std::int64_t iteration, float) {
      if (iteration == 3) source.request_stop(), source.request_stop();
    };

    const auto message = message_from<RunError>([&] { ride(job.program, job.model, job.dataset, options); });

    CHECK(message == "the run was interrupted in iteration 3");
  }
}

TEST_CASE("an interrupt before the start ends the run at once") {
  for (const AnyRide ride : kRides) {
    const Fixture job;
    std::stop_source source;
    source.request_stop();
    RunOptions options;
    options.stop = source.get_token();
    std::atomic<int> steps{0};
    options.before_step = [&](StepId, std::int64_t) { ++steps; };

    CHECK_THROWS_AS(ride(job.program, job.model, job.dataset, options), RunError);

    CHECK(steps == 0);
  }
}

TEST_CASE("an interrupt wakes threads that wait") {
  const Fixture job;
  std::stop_source source;
  const StepId last = find_step(job.program, StepKind::update, 0);
  RunOptions options;
  options.stop = source.get_token();
  options.before_step = [&](StepId step, std::int64_t) {
    if (step == last) source.request_stop();  // all other streams have ended and wait at the gate, or will
  };

  CHECK_THROWS_AS(run_on_threads(job.program, job.model, job.dataset, options), RunError);
}

TEST_CASE("a stalled kernel is reported: who runs since when, who waits for whom") {
  const Fixture job;
  std::atomic<bool> released{false};
  const StepId stalls = find_step(job.program, StepKind::forward, 0, 1);
  std::string report;
  RunOptions options;
  options.stall_after = std::chrono::milliseconds(400);
  options.before_step = [&](StepId step, std::int64_t) {
    if (step == stalls) released.wait(false);
  };
  options.on_stall = [&](const std::string& text) {
    report = text;
    released = true;
    released.notify_all();
  };

  const auto message = message_from<RunError>([&] { run_on_threads(job.program, job.model, job.dataset, options); });

  CHECK(message == report);
  CHECK_THAT(message, Contains("the run stalled: no step ended for 0.4 s (iteration 0)"));
  CHECK_THAT(message, Contains("worker \"stage 0\", step F of micro-batch 1: runs since 0."));
  CHECK_THAT(message, Contains("step send to \"stage 1\" the activations of micro-batch 1: waits for worker \"stage 0\", "
                               "step F of micro-batch 1, since 0."));
}

TEST_CASE("a dead-lock that verify would have refused ends with a report of the cycle") {
  const Model model = small_mlp();
  const Dataset dataset = small_data(model);
  RunOptions options;
  options.stall_after = std::chrono::milliseconds(400);

  const auto message = message_from<RunError>([&] { run_on_threads(dead_lock(model), model, dataset, options); });

  CHECK_THAT(message, Contains("worker \"left\", step zero gradients: waits for worker \"right\", step zero gradients"));
  CHECK_THAT(message, Contains("worker \"right\", step zero gradients: waits for worker \"left\", step zero gradients"));
}

TEST_CASE("a watchdog stays quiet while something ends, and barks once when nothing does") {
  std::atomic<std::uint64_t> looks{0};
  std::atomic<int> barks{0};
  {
    Watchdog watchdog({.stall_after = std::chrono::milliseconds(8),
                       .progress = [&] { return looks < 100 ? looks++ : looks.load(); },
                       .stalled = [&] {
                         ++barks;
                         barks.notify_all();
                       }});
    barks.wait(0);
  }

  CHECK(barks == 1);
  CHECK(looks == 100);
}
