// Copies between a device and its host in virtual time.

#include "sim/simulate.hpp"
#include "tests/catch.hpp"
#include "tests/sim/scenario.hpp"

using namespace tandem;
using namespace tandem::test;

namespace {

constexpr double kBytePerPicosecond = 1e12;

/// A copy on a worker, over the link of that index, or alone.
StepId copy(Scenario& scenario, WorkerId worker, StepKind kind, std::int64_t bytes, std::int64_t latency,
            std::optional<std::uint32_t> link = {}) {
  Prices& prices = scenario.prices();
  RoutePrice route{{latency}, kBytePerPicosecond};
  if (link) {
    route.first_link = static_cast<std::uint32_t>(prices.route_links.size());
    route.link_count = 1;
    prices.route_links.push_back(*link);
  }
  prices.copies.push_back({static_cast<std::uint32_t>(prices.routes.size()), {bytes}});
  prices.routes.push_back(route);
  return scenario.builder().add_copy(scenario.builder().add_copy_spec({worker, kind, SegmentId{}, 1, {bytes}}), 0);
}

/// The spans of the worker's copies of that kind.
std::vector<Times> copy_times(const Ride& ride, const Timeline& timeline, StepKind kind) {
  std::vector<Times> times;
  for (std::uint32_t i = 0; i < ride.program.step_count(); ++i)
    if (ride.program.steps()[i].kind == kind) times.push_back(times_of(timeline, static_cast<StepId>(i)));
  return times;
}

}  // namespace

TEST_CASE("a copy runs beside computation, and who needs it waits for its end") {
  Scenario scenario;
  const WorkerId worker = scenario.worker();
  const StepId first = scenario.compute(worker, 100);
  scenario.compute(worker, 60);
  const StepId third = scenario.compute(worker, 10);
  const StepId out = copy(scenario, worker, StepKind::copy_out, 90, 5);
  scenario.after(out, first);
  scenario.after(third, out);
  const Ride ride = scenario.finish();

  const Timeline timeline = simulate(ride.program, ride.prices);

  CHECK(copy_times(ride, timeline, StepKind::copy_out) == std::vector<Times>{{100, 195}});  // 5 + 90
  CHECK(compute_times(ride, timeline, worker) == std::vector<Times>{{0, 100}, {100, 160}, {195, 205}});
}

TEST_CASE("copies of devices on one link share it, and the other direction is another link") {
  Scenario scenario;
  scenario.prices().link_bytes_per_second = {kBytePerPicosecond, kBytePerPicosecond};
  const WorkerId a = scenario.worker(), b = scenario.worker();
  copy(scenario, a, StepKind::copy_out, 1000, 0, 0);
  copy(scenario, b, StepKind::copy_out, 1000, 0, 0);
  copy(scenario, b, StepKind::copy_in, 1000, 0, 1);
  const Ride ride = scenario.finish();

  const Timeline timeline = simulate(ride.program, ride.prices);

  // Half the link each.
  CHECK(copy_times(ride, timeline, StepKind::copy_out) == std::vector<Times>{{0, 2000}, {0, 2000}});
  CHECK(copy_times(ride, timeline, StepKind::copy_in) == std::vector<Times>{{0, 1000}});
}

TEST_CASE("copies of one direction follow each other") {
  Scenario scenario;
  const WorkerId worker = scenario.worker();
  for (int i = 0; i < 3; ++i) copy(scenario, worker, StepKind::copy_in, 40, 2);
  const Ride ride = scenario.finish();

  const Timeline timeline = simulate(ride.program, ride.prices);

  CHECK(copy_times(ride, timeline, StepKind::copy_in) == std::vector<Times>{{0, 42}, {42, 84}, {84, 126}});
}

TEST_CASE("a worker that computes or exchanges does not compute while it copies") {
  Scenario scenario;
  const WorkerId worker = scenario.worker(kExclusive, true), other = scenario.worker();
  const StepId late = scenario.compute(other, 30);
  scenario.compute(worker, 100);
  scenario.compute(worker, 10);
  const StepId in = copy(scenario, worker, StepKind::copy_in, 40, 0);
  scenario.after(in, late);
  const Ride ride = scenario.finish();

  const Timeline timeline = simulate(ride.program, ride.prices);

  CHECK(copy_times(ride, timeline, StepKind::copy_in) == std::vector<Times>{{100, 140}});  // ready at 30
  CHECK(compute_times(ride, timeline, worker) == std::vector<Times>{{0, 100}, {140, 150}});
}
