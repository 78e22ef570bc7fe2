// Laws of metrics that hold for every timeline, whichever ride it came from.

#include <numeric>

#include "tests/catch.hpp"
#include "tests/timeline/random_ride.hpp"
#include "timeline/compare.hpp"
#include "timeline/metrics.hpp"

using namespace tandem;

TEST_CASE("busy and idle time of every worker add up to the makespan") {
  const bool holds = rc::check([] {
    const RandomRide ride = random_ride();

    const Metrics metrics = measure(ride.program, ride.timeline);

    for (const WorkerMetrics& worker : metrics.workers) {
      RC_ASSERT(worker.busy + worker.idle == metrics.iteration);
      RC_ASSERT(worker.idle >= Picoseconds{});
      RC_ASSERT(worker.bubble >= 0.0);
      RC_ASSERT(worker.bubble <= 1.0);
      RC_ASSERT(worker.own_bubble <= worker.bubble + 1e-12);  // its own span is within the iteration
    }
  });

  CHECK(holds);
}

TEST_CASE("every idle picosecond has one cause, and exposed communication is idle time") {
  const bool holds = rc::check([] {
    const RandomRide ride = random_ride();

    for (const WorkerMetrics& worker : measure(ride.program, ride.timeline).workers) {
      const auto& causes = worker.idle_by_cause;
      RC_ASSERT(std::accumulate(causes.begin(), causes.end(), Picoseconds{}) == worker.idle);
      RC_ASSERT(worker.exposed_communication <= worker.idle);
      RC_ASSERT(worker.exposed_communication + worker.other_idle == worker.idle);
    }
  });

  CHECK(holds);
}

TEST_CASE("the critical path covers the makespan once, however the steps lie") {
  const bool holds = rc::check([] {
    const RandomRide ride = random_ride();

    const CriticalPath path = critical_path(ride.program, ride.timeline);

    RC_ASSERT(path.compute + path.transfer + path.waiting == measure(ride.program, ride.timeline).iteration);
  });

  CHECK(holds);
}

TEST_CASE("a pipeline that runs as early as it can has no waiting on its critical path and violates no edge") {
  const bool holds = rc::check([] {
    const auto stages = *rc::gen::inRange<std::uint32_t>(1, 6), micro_batches = *rc::gen::inRange<std::uint32_t>(1, 9);
    const Program program = gpipe_program(stages, micro_batches);
    const auto time = [] { return microseconds(*rc::gen::inRange<std::int64_t>(0, 20)); };
    const Timeline timeline = ride(program, {time(), time(), time(), time()});

    RC_ASSERT(critical_path(program, timeline).waiting == Picoseconds{});
    RC_ASSERT(compare_edges(program, std::vector{timeline}).violated == 0u);
  });

  CHECK(holds);
}

TEST_CASE("stretching time by a whole number stretches every time and leaves every fraction") {
  const bool holds = rc::check([] {
    const RandomRide ride = random_ride();
    const auto factor = *rc::gen::inRange<std::int64_t>(1, 1000);

    const Metrics once = measure(ride.program, ride.timeline);
    const Metrics often = measure(ride.program, stretched(ride.timeline, factor));

    RC_ASSERT(often.iteration.count == factor * once.iteration.count);
    for (std::size_t i = 0; i < once.workers.size(); ++i) {
      RC_ASSERT(often.workers[i].exposed_communication.count == factor * once.workers[i].exposed_communication.count);
      RC_ASSERT(std::abs(often.workers[i].bubble - once.workers[i].bubble) < 1e-12);
    }
  });

  CHECK(holds);
}
