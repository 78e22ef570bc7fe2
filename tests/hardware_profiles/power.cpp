#include "hardware_profiles/power.hpp"

#include "tests/catch.hpp"
#include "tests/hardware_profiles/documents.hpp"

using namespace tandem;
using Catch::Matchers::Contains;

namespace {

/// 1000 FLOPs a cycle; power rises as the cube of the frequency beside a floor of 1 W.
Device cubic_device() {
  Device device = small_device();
  device.power_curve = {{{1e9}, {2}}, {{2e9}, {9}}, {{3e9}, {28}}};
  return device;
}

constexpr Flops kWork{6'000'000'000'000};  // 6 s at 1 GHz

}  // namespace

TEST_CASE("busy time costs peak power and the rest idle power") {
  CHECK(energy(small_device(), {2}, {3}) == Joules{250});  // 2 x 110 + 3 x 10
  CHECK(energy(small_device(), {0}, {0}) == Joules{0});
}

TEST_CASE("energy is unknown where the profile lacks idle or peak power") {
  Device device = small_device();
  device.power_idle = {};

  CHECK_FALSE(energy(device, {1}, {1}));
}

TEST_CASE("the same work takes less energy at a lower frequency of a convex curve") {
  const std::vector<FrequencyEnergy> rows = energy_by_frequency(cubic_device(), kWork);

  REQUIRE(rows.size() == 3);
  CHECK(rows[0].busy.value == Approx(6));
  CHECK(rows[0].energy.value == Approx(12));  // 6 s x 2 W
  CHECK(rows[1].energy.value == Approx(27));  // 3 s x 9 W
  CHECK(rows[2].energy.value == Approx(56));  // 2 s x 28 W
  CHECK(thriftiest_frequency(cubic_device(), kWork)->frequency == Hertz{1e9});
}

TEST_CASE("a floor of power makes a middle frequency the thriftiest") {
  Device device = cubic_device();
  device.power_curve = {{{1e9}, {11}}, {{2e9}, {18}}, {{3e9}, {37}}};  // 10 + f^3

  CHECK(thriftiest_frequency(device, kWork)->frequency == Hertz{2e9});  // 66, 54, 74 J
}

TEST_CASE("within a period the idle rest is paid, and frequencies that miss it are left out") {
  const std::vector<FrequencyEnergy> rows = energy_by_frequency(cubic_device(), kWork, Seconds{4});

  REQUIRE(rows.size() == 2);                  // 1 GHz needs 6 s
  CHECK(rows[0].energy.value == Approx(37));  // 3 s x 9 W + 1 s x 10 W
  CHECK(rows[1].energy.value == Approx(76));  // 2 s x 28 W + 2 s x 10 W
  CHECK(thriftiest_frequency(cubic_device(), kWork, Seconds{4})->frequency == Hertz{2e9});
  CHECK_FALSE(thriftiest_frequency(cubic_device(), kWork, Seconds{1}));
}

TEST_CASE("a profile that lacks what the question needs is named") {
  Device without_idle = cubic_device();
  without_idle.power_idle = {};
  Device without_clock = cubic_device();
  without_clock.frequency = {};

  CHECK_THAT(complaint([] { energy_by_frequency(small_device(), kWork); }),
             Contains("device \"small\" has no power_curve"));
  CHECK_THAT(complaint([&] { energy_by_frequency(without_idle, kWork, Seconds{9}); }), Contains("idle power"));
  CHECK_THAT(complaint([&] { energy_by_frequency(without_clock, kWork); }), Contains("frequency"));
  CHECK_NOTHROW(energy_by_frequency(without_idle, kWork));
}
