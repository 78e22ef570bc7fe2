// Steps of the host's cores in virtual time.

#include "sim/simulate.hpp"
#include "tests/catch.hpp"
#include "tests/sim/scenario.hpp"

using namespace tandem;
using namespace tandem::test;

namespace {

/// An update of the worker on its host.
StepId on_host(Scenario& scenario, WorkerId worker, std::int64_t time) {
  scenario.prices().works.push_back({{time}, CostSource::roofline});
  StepWork work{StepKind::update, worker, SegmentId{}};
  work.stream = StreamKind::host;
  return scenario.builder().add_compute(scenario.builder().add_work(work), 0);
}

std::vector<Times> host_times(const Ride& ride, const Timeline& timeline, WorkerId worker) {
  std::vector<Times> times;
  for (const Stream& stream : ride.program.streams())
    for (std::uint32_t i = 0; stream.worker == worker && stream.kind == StreamKind::host && i < stream.count; ++i)
      times.push_back(times_of(timeline, static_cast<StepId>(index_of(stream.first) + i)));
  return times;
}

}  // namespace

TEST_CASE("the host computes beside the device, each in its order") {
  Scenario scenario;
  const std::uint32_t cores = scenario.cores(1);
  const WorkerId worker = scenario.worker();
  scenario.prices().host_resource = {cores};
  const StepId first = scenario.compute(worker, 100);
  scenario.compute(worker, 60);
  scenario.after(on_host(scenario, worker, 40), first);
  on_host(scenario, worker, 50);
  const Ride ride = scenario.finish();

  const Timeline timeline = simulate(ride.program, ride.prices);

  CHECK(compute_times(ride, timeline, worker) == std::vector<Times>{{0, 100}, {100, 160}});
  CHECK(host_times(ride, timeline, worker) == std::vector<Times>{{100, 140}, {140, 190}});
}

TEST_CASE("workers of one host share its cores, and those of another do not") {
  Scenario scenario;
  const std::uint32_t one = scenario.cores(1), other = scenario.cores(1);
  const WorkerId a = scenario.worker(), b = scenario.worker(), c = scenario.worker();
  scenario.prices().host_resource = {one, one, other};
  on_host(scenario, a, 40);
  on_host(scenario, b, 100);
  on_host(scenario, c, 100);
  const Ride ride = scenario.finish();

  const Timeline timeline = simulate(ride.program, ride.prices);

  CHECK(host_times(ride, timeline, a) == std::vector<Times>{{0, 40}});
  CHECK(host_times(ride, timeline, b) == std::vector<Times>{{40, 140}});  // after the other one
  CHECK(host_times(ride, timeline, c) == std::vector<Times>{{0, 100}});
}

TEST_CASE("a device that computes or exchanges computes while its host does") {
  Scenario scenario;
  const std::uint32_t cores = scenario.cores(1);
  const WorkerId worker = scenario.worker(kExclusive, true);
  scenario.prices().host_resource = {cores};
  scenario.compute(worker, 100);
  on_host(scenario, worker, 40);
  const Ride ride = scenario.finish();

  const Timeline timeline = simulate(ride.program, ride.prices);

  CHECK(compute_times(ride, timeline, worker) == std::vector<Times>{{0, 100}});
  CHECK(host_times(ride, timeline, worker) == std::vector<Times>{{0, 40}});
}
