#include "sim/simulate.hpp"
#include "tests/catch.hpp"
#include "tests/sim/scenario.hpp"

using namespace tandem;
using namespace tandem::test;

namespace {

constexpr std::int64_t kSecond = 1'000'000'000'000;
constexpr DevicePower kPower{{100}, {250}};

}  // namespace

TEST_CASE("a device takes idle power throughout and the rise to its peak while it computes") {
  Scenario scenario;
  scenario.compute(scenario.worker(), 2 * kSecond);
  scenario.compute(scenario.worker(), 5 * kSecond);
  scenario.prices().power = {kPower, kPower};
  const Ride ride = scenario.finish();

  const Timeline timeline = simulate(ride.program, ride.prices);

  REQUIRE(timeline.energy.size() == 2);
  CHECK(timeline.energy[0].value == Approx(100 * 5 + 150 * 2));
  CHECK(timeline.energy[1].value == Approx(100 * 5 + 150 * 5));
}

TEST_CASE("a device without workers idles, and one without figures counts nothing") {
  Scenario scenario;
  scenario.compute(scenario.worker(), 3 * kSecond);
  scenario.prices().power = {std::nullopt, kPower};
  const Ride ride = scenario.finish();

  const Timeline timeline = simulate(ride.program, ride.prices);

  REQUIRE(timeline.energy.size() == 2);
  CHECK(timeline.energy[0].value == 0);
  CHECK(timeline.energy[1].value == Approx(100 * 3));
}

TEST_CASE("where no device has power figures there is no energy") {
  Scenario scenario;
  scenario.compute(scenario.worker(), kSecond);
  scenario.prices().power = {std::nullopt};
  const Ride ride = scenario.finish();

  CHECK(simulate(ride.program, ride.prices).energy.empty());
}

TEST_CASE("workers that share a device's cores draw power for the cores that are taken") {
  Scenario scenario;
  const std::uint32_t cores = scenario.cores(2);
  for (const std::int64_t seconds : {1, 1, 4}) {
    const WorkerId worker = scenario.builder().add_worker("thread", 0, DeviceId{0});
    scenario.prices().worker_resource.push_back(cores);
    scenario.prices().worker_forbids_overlap.push_back(false);
    scenario.compute(worker, seconds * kSecond);
  }
  scenario.prices().power = {kPower};
  const Ride ride = scenario.finish();

  const Timeline timeline = simulate(ride.program, ride.prices);

  // 1 s on two cores, after which two have half their turns left: one ends at 1.5 s, the other at 4.5 s: 6 core-seconds of 2 cores in 4.5 s
  CHECK(timeline.makespan().count == 9 * kSecond / 2);
  CHECK(timeline.energy[0].value == Approx(100 * 4.5 + 150 * 6 / 2));
}
