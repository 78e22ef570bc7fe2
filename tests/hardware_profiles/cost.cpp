#include "hardware_profiles/cost.hpp"

#include "tests/catch.hpp"
#include "tests/hardware_profiles/documents.hpp"

using namespace tandem;

namespace {

Work product(std::int64_t m, std::int64_t n, std::int64_t k, std::int64_t count = 1) {
  Work work;
  work.products = {{m, n, k, count}};
  return work;
}

Work traffic(std::int64_t read, std::int64_t written) {
  Work work;
  work.read = {read};
  work.written = {written};
  return work;
}

/// The small device without its launch of 10 us.
Device without_launch() {
  Device device = small_device();
  device.launch_overhead = {};
  return device;
}

/// Two shared cores of 1 GFLOP/s each, where products run at 0.5 GFLOP/s, element-wise passes at 1 GB/s and
/// transcendentals at 10 million a second.
Device measured_host() {
  Device device = without_launch();
  device.shares_cores = true;
  device.cores = 2;
  device.peak_fp32 = {2e9};
  device.product_rates.points = {{100, 100, 100, {0.5e9}}};
  device.elementwise.points = {{{1'000}, {1e9}}};
  device.transcendentals_per_second = 1e7;
  return device;
}

}  // namespace

TEST_CASE("arithmetic at peak bounds a large product, and each pass is launched once") {
  const Work work = product(1000, 1000, 500);  // 2 x 10^6 x 500 = 10^9 FLOPs

  CHECK(roofline(work, small_device()).value == Approx(1e-3 + 10e-6));  // 10^9 / 10^12 + a launch
}

TEST_CASE("several products of one pass add up") {
  CHECK(roofline(product(1000, 1000, 500, 3), without_launch()).value == Approx(3e-3));
}

TEST_CASE("memory traffic bounds a pass that computes little") {
  Work work = traffic(30'000'000, 20'000'000);
  work.elementwise = 1'000'000;  // 1 us at peak

  CHECK(roofline(work, without_launch()).value == Approx(5e-4));  // 5 x 10^7 B / 10^11 B/s
}

TEST_CASE("without measurements element-wise operations and transcendentals count as FLOPs") {
  Work work;
  work.elementwise = 300;
  work.transcendentals = 700;

  CHECK(roofline(work, without_launch()).value == Approx(1e-9));  // 1000 / 10^12
}

TEST_CASE("no work takes no time, not even a launch") {
  CHECK(roofline({}, small_device()) == Seconds{});
  CHECK(roofline(product(0, 5, 5), small_device()) == Seconds{});
}

TEST_CASE("one worker of a device that shares cores gets one core of it") {
  Device device = without_launch();
  device.shares_cores = true;  // 4 cores share 1 TFLOP/s

  CHECK(roofline(product(1000, 1000, 500), device).value == Approx(4e-3));
  CHECK(roofline(traffic(100'000'000, 0), device).value == Approx(1e-3));  // the memory is not divided
}

TEST_CASE("measured rates replace peak and memory bandwidth") {
  CHECK(roofline(product(100, 100, 100), measured_host()).value == Approx(4e-3));  // 2 x 10^6 / (0.5 x 10^9)
  CHECK(roofline(traffic(500'000, 500'000), measured_host()).value == Approx(1e-3));  // 10^6 B / 10^9 B/s
}

TEST_CASE("an element-wise pass takes the longer of its traffic and its transcendentals") {
  Work work = traffic(500'000, 500'000);  // 1 ms

  work.transcendentals = 5'000;  // 0.5 ms
  CHECK(roofline(work, measured_host()).value == Approx(1e-3));

  work.transcendentals = 20'000;  // 2 ms
  CHECK(roofline(work, measured_host()).value == Approx(2e-3));
}

TEST_CASE("the counts of the largest jobs do not overflow") {
  const Work work = product(1'000'000'000, 1'000'000'000, 1'000'000);  // 2 x 10^24 FLOPs

  CHECK(roofline(work, without_launch()).value == Approx(2e12));
}

TEST_CASE("a measured kernel answers before the roofline, and only for its own signature") {
  Device device = without_launch();
  device.kernels = {{"a", {1}, {1}, {1}, 5}, {"gelu F 4", {2}, {1}, {3}, 5}, {"z", {3}, {3}, {3}, 5}};
  const Work work = product(1000, 1000, 500);
  const CostModel costs;

  const Cost measured = costs.kernel("gelu F 4", work, device);
  const Cost other = costs.kernel("gelu F 5", work, device);

  CHECK(measured.time == Seconds{2});
  CHECK(measured.source == CostSource::measured);
  CHECK(other.time.value == Approx(1e-3));
  CHECK(other.source == CostSource::roofline);
  CHECK(costs.kernel("a", work, device).time == Seconds{1});
  CHECK(costs.kernel("z", work, device).time == Seconds{3});
}

TEST_CASE("the measured kernels can be left out") {
  Device device = without_launch();
  device.kernels = {{"a", {1}, {1}, {1}, 5}};

  CHECK(CostModel(false).kernel("a", product(1000, 1000, 500), device).source == CostSource::roofline);
}

TEST_CASE("a recorded step is answered under its key only") {
  CostModel costs;
  costs.record("stage 0 F", {0.25});

  REQUIRE(costs.recorded("stage 0 F"));
  CHECK(costs.recorded("stage 0 F")->time == Seconds{0.25});
  CHECK(costs.recorded("stage 0 F")->source == CostSource::recorded);
  CHECK_FALSE(costs.recorded("stage 1 F"));
}

TEST_CASE("sources of a cost have names") {
  CHECK(name_of(CostSource::recorded) == "recorded");
  CHECK(name_of(CostSource::measured) == "measured");
  CHECK(name_of(CostSource::roofline) == "roofline");
}
