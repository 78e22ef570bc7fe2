#include <rapidcheck.h>

#include <cmath>

#include "hardware_profiles/host.hpp"
#include "tests/catch.hpp"
#include "tests/hardware_profiles/documents.hpp"

using namespace tandem;

namespace {

/// Spread evenly over the orders of magnitude, with arbitrary last digits.
double any_between(double low, double high) {
  const double share = *rc::gen::inRange(0, 1'000'000'000) / 1e9;
  return low * std::pow(high / low, share);
}

std::string any_source() {
  return "source \"" + *rc::gen::container<std::string>(rc::gen::inRange<char>(' ', 127)) + "\" \\ µs\nsecond line";
}

Link any_link(const std::string& name) {
  const Seconds latency{*rc::gen::element(0.0, any_between(1e-9, 1e-3))};
  const Seconds wake{*rc::gen::element(0.0, any_between(1e-9, 1e-3))};
  return {name, latency, {any_between(1e6, 1e12)}, *rc::gen::arbitrary<bool>(), wake, any_source()};
}

RateCurve any_curve() {
  RateCurve curve;
  std::int64_t size = 0;
  for (int point = *rc::gen::inRange(1, 5); point > 0; --point)
    curve.points.push_back({{size += *rc::gen::inRange<std::int64_t>(1, 1'000'000'000)}, {any_between(1e6, 1e13)}});
  return curve;
}

void add_datasheet(Device& device) {
  device.cores = *rc::gen::inRange<std::int64_t>(1, 10'000);
  device.peak_fp32 = {any_between(1e6, 1e15)};
  device.sources.emplace_back("compute", any_source());
  device.memory = {*rc::gen::inRange<std::int64_t>(1, std::numeric_limits<std::int64_t>::max())};
  device.memory_bandwidth = {any_between(1e6, 1e14)};
  device.sources.emplace_back("memory", any_source());
}

void add_optional(Device& device) {
  if (*rc::gen::arbitrary<bool>()) device.frequency = {any_between(1e6, 1e10)};
  if (*rc::gen::arbitrary<bool>()) {
    device.power_idle = {any_between(0.1, 10)};
    device.power_peak = {any_between(10, 1000)};
    device.sources.emplace_back("power", any_source());
  }
  if (*rc::gen::arbitrary<bool>()) {
    device.power_curve = {{{any_between(1e8, 9e8)}, {any_between(1, 10)}},
                          {{any_between(1e9, 9e9)}, {any_between(1, 10)}}};
    device.sources.emplace_back("power_curve", any_source());
  }
  if (*rc::gen::arbitrary<bool>()) {
    device.launch_overhead = {any_between(1e-9, 1e-3)};
    device.sources.emplace_back("overhead", any_source());
  }
}

void add_measured(Device& device) {
  for (std::int64_t m = *rc::gen::inRange(1, 4); m > 0; --m) {
    const std::int64_t n = *rc::gen::inRange(1, 4096), k = *rc::gen::inRange(1, 4096);
    device.product_rates.points.push_back({m, n, k, {any_between(1e9, 1e12)}});
  }
  device.elementwise = any_curve();
  device.copy = any_curve();
  device.transcendentals_per_second = any_between(1e6, 1e12);
  device.concurrency.points = {{1, 1}, {*rc::gen::inRange<std::int64_t>(2, 99), any_between(0.5, 20)}};
  device.concurrency.turn = {any_between(1e-6, 1)};
  const double median = any_between(1e-6, 1);
  device.kernels = {{"linear F 4x64x128 -> 4x64x512", {median}, {median * 0.9}, {median * 1.1}, 30},
                    {"relu: \"quoted\", [odd] # name", {median}, {median}, {median}, 1}};
  for (const char* group : {"product_rates", "elementwise", "copy", "transcendentals", "concurrency", "kernels"})
    device.sources.emplace_back(group, any_source());
}

Device any_device() {
  Device device;
  device.name = "any-" + std::to_string(*rc::gen::inRange(0, 1000));
  device.kind = *rc::gen::element(DeviceKind::cpu, DeviceKind::gpu, DeviceKind::ipu, DeviceKind::tpu);
  device.shares_cores = *rc::gen::arbitrary<bool>();
  device.bulk_synchronous = *rc::gen::arbitrary<bool>();
  add_datasheet(device);
  add_optional(device);
  if (*rc::gen::arbitrary<bool>()) add_measured(device);
  if (*rc::gen::arbitrary<bool>()) device.link = any_link(device.name + " link");
  if (*rc::gen::arbitrary<bool>()) device.threads_link = any_link(device.name + " threads");
  if (*rc::gen::arbitrary<bool>()) {
    device.host_link = any_link(device.name + " host");
    device.host_link->wake_latency = device.host_link->latency;  // a copy wakes nobody, so the key is not there
    device.host_link_sharers = *rc::gen::inRange<std::int64_t>(1, 65);
  }
  if (*rc::gen::arbitrary<bool>()) device.host = {"some-cpu", *rc::gen::inRange<std::int64_t>(1, 65), any_source()};
  return device;
}

}  // namespace

TEST_CASE("a written device is read back equal to the last bit") {
  CHECK(rc::check([] {
    const Device device = any_device();

    const std::string text = write_device(device);

    RC_ASSERT(device_from(text) == device);
    RC_ASSERT(write_device(device_from(text)) == text);
  }));
}

TEST_CASE("numbers without a source cannot be written") {
  Device device = small_device();
  device.launch_overhead = {1e-6};
  device.sources.pop_back();  // overhead's

  CHECK_THROWS_AS(write_device(device), InvariantError);
}

TEST_CASE("a written host profile is read back equal") {
  const Folder folder("host-round-trip");
  HostProfile host{small_device(), {"small threads", {1e-6}, {5e9}, true, {7e-6}, "tandem calibrate"}};
  host.device.shares_cores = true;
  folder.write("host.yaml", write_host(host));

  const HostProfile read = read_host(folder.path("host.yaml"));

  CHECK(read.link == host.link);
  host.device.threads_link = host.link;
  CHECK(read.device == host.device);
}

TEST_CASE("a host profile of 5,000 kernels stays below the reader's limit") {
  Device device = small_device();
  for (int kernel = 10'000; kernel < 15'000; ++kernel)
    device.kernels.push_back({"causal_attention I 4x64x384 -> 4x64x128 number " + std::to_string(kernel),
                              {1.2345678901234567e-4}, {1.1345678901234567e-4}, {1.3345678901234567e-4}, 30});
  device.sources.emplace_back("kernels", "tandem calibrate");

  const std::string text = write_device(device);

  CHECK(text.size() < 1'000'000);  // about 140 bytes a row
  CHECK(device_from(text) == device);
}
