// Data-parallel runs, whose gradients are summed by collectives: the same on threads as on one, and ended like any other.

#include <atomic>
#include <stdexcept>

#include "tests/catch.hpp"
#include "tests/exec/run_scenario.hpp"

using namespace tandem;
using Catch::Contains;

namespace {

/// The small network, whole on each of `replicas` workers, its gradients in several buckets.
Program replicated(const Model& model, std::int64_t replicas, const std::string& algorithm) {
  Plan plan;
  plan.replicas = replicas;
  plan.micro_batches = 2;
  plan.micro_batch_size = 3;
  plan.bucket = Bytes{3000};
  plan.collective = algorithm;
  std::vector<DeviceId> devices;
  for (std::uint32_t i = 0; i < replicas; ++i) devices.push_back(static_cast<DeviceId>(i));
  return lower(plan, model, {}, devices);
}

StepId collective_of(const Program& program, std::uint32_t collective, std::uint32_t rank) {
  return program.members(program.collectives()[collective])[rank].step;
}

struct Replicas {
  Model model = small_mlp();
  Dataset dataset = small_data(model);
  Program program;

  explicit Replicas(std::int64_t count, const std::string& algorithm = "ring")
      : program(replicated(model, count, algorithm)) {}
};

}  // namespace

TEST_CASE("replicas on threads train with the bits of one thread, whatever the collective algorithm") {
  for (const CollectiveAlgorithm& algorithm : collective_algorithms())
    for (const std::int64_t count : {2, 3}) {
      const Replicas job(count, std::string(algorithm.name));
      RunOptions options;
      options.iterations = 3;

      const RunResult threads = run_on_threads(job.program, job.model, job.dataset, options);
      const RunResult alone = run_on_one_thread(job.program, job.model, job.dataset, options);

      INFO(algorithm.name << " over " << count);
      CHECK(job.program.collectives().size() > 1);
      CHECK(threads.losses == alone.losses);
      CHECK(threads.weights == alone.weights);
      CHECK(threads.gradients == alone.gradients);
    }
}

TEST_CASE("on one thread all members of a collective have the span of the one that moved the bytes") {
  const Replicas job(3);

  const RunResult alone = run_on_one_thread(job.program, job.model, job.dataset, {});

  const auto& spans = alone.timelines.at(0).spans;
  for (std::uint32_t i = 0; i < job.program.collectives().size(); ++i)
    for (std::uint32_t rank = 1; rank < 3; ++rank) {
      const Span &first = spans[index_of(collective_of(job.program, i, 0))];
      const Span &other = spans[index_of(collective_of(job.program, i, rank))];
      CHECK(first.start == other.start);
      CHECK(first.end == other.end);
    }
}

TEST_CASE("a replica that throws in a collective ends the run with its name, and the others stop") {
  for (const AnyRide ride : kRides) {
    const Replicas job(3);
    const StepId fails = collective_of(job.program, 0, 1);
    RunOptions options;
    options.iterations = 2;
    options.before_step = [&](StepId step, std::int64_t iteration) {
      if (step == fails && iteration == 1) throw std::runtime_error("the wire broke");
    };

    const auto message = message_from<RunError>([&] { ride(job.program, job.model, job.dataset, options); });

    CHECK(message == job.program.describe(fails) + " (iteration 1): the wire broke");
  }
}

TEST_CASE("a replica that never comes to a collective is named by those that wait for it") {
  const Replicas job(3);
  const StepId missing = collective_of(job.program, 0, 2);
  const StepId stuck = find_step(job.program, StepKind::backward, 2, 1);
  std::atomic<bool> released{false};
  RunOptions options;
  options.stall_after = std::chrono::milliseconds(400);
  options.before_step = [&](StepId step, std::int64_t) {
    if (step == stuck) released.wait(false);
  };
  options.on_stall = [&](const std::string&) {
    released = true;
    released.notify_all();
  };

  const auto message = message_from<RunError>([&] { run_on_threads(job.program, job.model, job.dataset, options); });

  CHECK_THAT(message, Contains(job.program.describe(stuck) + ": runs since "));
  for (const std::uint32_t rank : {0u, 1u})
    CHECK_THAT(message, Contains(job.program.describe(collective_of(job.program, 0, rank)) + ": waits for " +
                                 job.program.describe(missing) + ", since "));
}
