// How a run fails: one message that names worker, step and micro-batch, and every thread joined.

#include <atomic>
#include <cmath>
#include <limits>
#include <mutex>
#include <new>
#include <system_error>
#include <thread>

#include "exec/watchdog.hpp"
#include "plan/program_builder.hpp"
#include "tests/catch.hpp"
#include "tests/exec/run_scenario.hpp"

using namespace tandem;
using Catch::Contains;

namespace {

using Ride = RunResult (*)(const Program&, const Model&, const Dataset&, const RunOptions&);
constexpr Ride kRides[] = {run_on_threads, run_on_one_thread};

struct Fixture {
  Model model = small_mlp();
  Dataset dataset = small_data(model);
  Program program = program_of(model, {.ranks = 2});
};

/// What the ride says when `act` happens before step F of micro-batch 2 on stage 1, in iteration 1.
std::string failure(Ride ride, const std::function<void()>& act) {
  const Fixture job;
  const StepId at = find_step(job.program, StepKind::forward, 1, 2);
  RunOptions options;
  options.iterations = 3;
  options.before_step = [&](StepId step, std::int64_t iteration) {
    if (step == at && iteration == 1) act();
  };
  return message_from<RunError>([&] { ride(job.program, job.model, job.dataset, options); });
}

/// A mean squared error of values beyond the square root of the largest float is infinite.
Model overflowing() {
  return Model("overflowing", {{.name = "x", .kind = "values", .attributes = {{"features", 4}}},
                               {.name = "targets", .kind = "target_values", .attributes = {{"features", 4}}},
                               {.name = "a", .kind = "linear", .attributes = {{"features", 8}}, .inputs = {"x"}},
                               {.name = "b", .kind = "linear", .attributes = {{"features", 4}, {"deviation", 1e6}}},
                               {.name = "loss", .kind = "mean_squared_error", .inputs = {"b", "targets"}}});
}

/// Two workers whose only steps wait for each other: what verify() refuses.
Program dead_lock(const Model& model) {
  ProgramBuilder builder;
  const SegmentId segment = builder.add_segment(lay_out_segment(model, 0, model.layer_count(), 1));
  std::vector<StepId> steps;
  for (const char* name : {"left", "right"}) {
    const WorkerId worker = builder.add_worker(name, static_cast<std::uint32_t>(steps.size()), DeviceId{0});
    const BufferId gradients = builder.add_buffer(
        {worker, segment, BufferClass::gradient, BufferContent::gradients, lay_out_segment(model, 0, model.layer_count(), 1).gradient_bytes}, 0);
    steps.push_back(builder.add_compute(builder.add_work({StepKind::zero_gradients, worker, segment}), 0));
    builder.use(steps.back(), gradients, Access::write);
  }
  builder.add_after(steps[0], steps[1]);
  builder.add_after(steps[1], steps[0]);
  return std::move(builder).finish(1);
}

}  // namespace

TEST_CASE("a worker that throws ends the run with its step's name and its words") {
  for (const Ride ride : kRides) {
    const auto message = failure(ride, [] { throw std::runtime_error("the moon is full"); });

    CHECK(message == "worker \"stage 1\", step F of micro-batch 2 (iteration 1): the moon is full");
  }
}

TEST_CASE("a worker that runs out of memory, or throws no exception at all, is named too") {
  for (const Ride ride : kRides) {
    CHECK_THAT(failure(ride, [] { throw std::bad_alloc(); }), Contains("step F of micro-batch 2") && Contains("bad_alloc"));
    CHECK_THAT(failure(ride, [] { throw 42; }), Contains("step F of micro-batch 2") && Contains("no std::exception"));
  }
}

TEST_CASE("our own bug stays our own bug, with the step's name") {
  for (const Ride ride : kRides) {
    const auto act = [&] { failure(ride, [] { invariant(false, "two is three"); }); };

    const auto message = message_from<InvariantError>(act);

    CHECK_THAT(message, Contains("worker \"stage 1\", step F of micro-batch 2") && Contains("two is three"));
  }
}

TEST_CASE("the first of several errors wins") {
  const Fixture job;
  std::mutex mutex;
  std::string first;
  RunOptions options;
  options.iterations = 2;
  options.before_step = [&](StepId step, std::int64_t) {
    const std::lock_guard lock(mutex);
    if (first.empty()) first = job.program.describe(step);
    throw std::runtime_error(job.program.describe(step) == first ? "first" : "later");
  };

  const auto message = message_from<RunError>([&] { run_on_threads(job.program, job.model, job.dataset, options); });

  CHECK_FALSE(message.empty());
  CHECK_THAT(message, Contains("(iteration 0)"));
}

TEST_CASE("every thread has ended when the run throws") {
  const Fixture job;
  std::atomic<int> inside{0};
  RunOptions options;
  options.before_step = [&](StepId step, std::int64_t) {
    ++inside;
    const bool fails = job.program.step(step).kind == StepKind::backward;
    --inside;
    if (fails) throw std::runtime_error("backward is forbidden");
  };

  CHECK_THROWS_AS(run_on_threads(job.program, job.model, job.dataset, options), RunError);

  CHECK(inside == 0);
}

TEST_CASE("a loss that is not finite names worker, step, micro-batch and the first tensor") {
  const Model model = overflowing();
  const Dataset dataset(model, "", 1);
  const Program program = program_of(model, {.ranks = 2});
  RunOptions options;
  options.optimizer = {.kind = OptimizerKind::sgd, .learning_rate = 1e30};
  options.iterations = 5;

  for (const Ride ride : kRides) {
    const auto message = message_from<RunError>([&] { ride(program, model, dataset, options); });

    CHECK_THAT(message, Contains("worker \"stage 1\", step F of micro-batch 0 (iteration 1): the loss is"));
    CHECK_THAT(message, Contains("the output of \""));
  }
}

TEST_CASE("a gradient that is not finite names its parameter") {
  const auto wide = [](const std::string& name, double features, double deviation) {
    return LayerDefinition{.name = name, .kind = "linear", .attributes = {{"features", features}, {"deviation", deviation}}};
  };
  auto first = wide("a", 8, 1e-8);
  first.inputs = {"x"};
  // Predictions of about 1e-8 (1e6)^4 sqrt(8)^4 = 6e17 have a finite square; their gradient at a's output is about
  // 6e17 (1e6)^4 = 6e41, beyond the largest float, 3.4e38.
  const Model model("steep", {{.name = "x", .kind = "values", .attributes = {{"features", 4}}},
                              {.name = "targets", .kind = "target_values", .attributes = {{"features", 4}}},
                              first, wide("b", 8, 1e6), wide("c", 8, 1e6), wide("d", 8, 1e6), wide("e", 4, 1e6),
                              {.name = "loss", .kind = "mean_squared_error", .inputs = {"e", "targets"}}});
  const Dataset dataset(model, "", 1);
  const Program program = program_of(model, {.ranks = 1, .micro_batches = 1});

  for (const Ride ride : kRides) {
    const auto message = message_from<RunError>([&] { ride(program, model, dataset, {}); });

    CHECK(message == "worker \"stage 0\", step update (iteration 0): the gradient of \"a.weight\" holds a value that is "
                     "not finite");
  }
}

TEST_CASE("a failure to make a thread is a lack of a resource, and the threads before it end") {
  const Fixture job;
  for (const std::size_t failing : {0, 1, 4}) {
    RunOptions options;
    options.iterations = 1000;
    options.before_thread = [&](std::size_t index) {
      if (index == failing) throw std::system_error(std::make_error_code(std::errc::resource_unavailable_try_again));
    };

    const auto message = message_from<ResourceError>([&] { run_on_threads(job.program, job.model, job.dataset, options); });

    CHECK_THAT(message, Contains("cannot make thread " + std::to_string(failing + 1) + " of "));
  }
}

TEST_CASE("an interrupt ends a run between steps") {
  for (const Ride ride : kRides) {
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
  for (const Ride ride : kRides) {
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
  options.stall_after = std::chrono::milliseconds(40);
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
  CHECK_THAT(message, Contains("the run stalled: no step ended for 0.04 s (iteration 0)"));
  CHECK_THAT(message, Contains("worker \"stage 0\", step F of micro-batch 1: runs since 0."));
  CHECK_THAT(message, Contains("step send to \"stage 1\" the activations of micro-batch 1: waits for worker \"stage 0\", "
                               "step F of micro-batch 1, since 0."));
}

TEST_CASE("a dead-lock that verify would have refused ends with a report of the cycle") {
  const Model model = small_mlp();
  const Dataset dataset = small_data(model);
  RunOptions options;
  options.stall_after = std::chrono::milliseconds(40);

  const auto message = message_from<RunError>([&] { run_on_threads(dead_lock(model), model, dataset, options); });

  CHECK_THAT(message, Contains("worker \"left\", step zero gradients: waits for worker \"right\", step zero gradients"));
  CHECK_THAT(message, Contains("worker \"right\", step zero gradients: waits for worker \"left\", step zero gradients"));
}

TEST_CASE("an error of the caller's own after_iteration ends the run") {
  for (const Ride ride : kRides) {
    const Fixture job;
    RunOptions options;
    options.iterations = 4;
    options.after_iteration = [](std::int64_t, float) { throw ResourceError("the disk is full"); };

    CHECK_THROWS_WITH(ride(job.program, job.model, job.dataset, options), "the disk is full");
  }
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
