// How a run fails: one message that names worker, step and micro-batch, and every thread joined.

#include <atomic>
#include <mutex>
#include <new>
#include <system_error>

#include "tests/catch.hpp"
#include "tests/exec/run_scenario.hpp"

using namespace tandem;
using Catch::Contains;

namespace {

/// What the ride says when `act` happens before step F of micro-batch 2 on stage 1, in iteration 1.
std::string failure(AnyRide ride, const std::function<void()>& act) {
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

}  // namespace

TEST_CASE("a worker that throws ends the run with its step's name and its words") {
  for (const AnyRide ride : kRides) {
    const auto message = failure(ride, [] { throw std::runtime_error("the moon is full"); });

    CHECK(message == "worker \"stage 1\", step F of micro-batch 2 (iteration 1): the moon is full");
  }
}

TEST_CASE("a worker that runs out of memory, or throws no exception at all, is named too") {
  for (const AnyRide ride : kRides) {
    CHECK_THAT(failure(ride, [] { throw std::bad_alloc(); }), Contains("step F of micro-batch 2") && Contains("bad_alloc"));
    CHECK_THAT(failure(ride, [] { throw 42; }), Contains("step F of micro-batch 2") && Contains("no std::exception"));
  }
}

TEST_CASE("our own bug stays our own bug, with the step's name") {
  for (const AnyRide ride : kRides) {
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

  for (const AnyRide ride : kRides) {
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

  for (const AnyRide ride : kRides) {
    const auto message = message_from<RunError>([&] { ride(program, model, dataset, {}); });

    CHECK(message == "worker \"stage 0\", step update (iteration 0): the gradient of \"a.weight\" holds a value that is "
                     "not finite");
  }
}

TEST_CASE("a failure to make a thread is a lack of a resource, and the threads before it end") {
  const Fixture job;
  for (const std::size_t failing : {0, 1}) {
    RunOptions options;
    options.iterations = 1000;
    options.before_thread = [&](std::size_t index) {
      if (index == failing) throw std::system_error(std::make_error_code(std::errc::resource_unavailable_try_again));
    };

    const auto message = message_from<ResourceError>([&] { run_on_threads(job.program, job.model, job.dataset, options); });

    CHECK_THAT(message, Contains("cannot make thread " + std::to_string(failing + 1) + " of "));
  }
}

TEST_CASE("an error of the caller's own after_iteration ends the run") {
  for (const AnyRide ride : kRides) {
    const Fixture job;
    RunOptions options;
    options.iterations = 4;
    options.after_iteration = [](std::int64_t, float) { throw ResourceError("the disk is full"); };

    CHECK_THROWS_WITH(ride(job.program, job.model, job.dataset, options), "the disk is full");
  }
}
