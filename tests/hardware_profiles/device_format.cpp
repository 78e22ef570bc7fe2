#include "tests/catch.hpp"
#include "tests/hardware_profiles/documents.hpp"

using namespace tandem;
using Catch::Matchers::Contains;
using Catch::Matchers::StartsWith;

TEST_CASE("a device file is read into base units") {
  const Device device = small_device();

  CHECK(device.name == "small");
  CHECK(device.kind == DeviceKind::gpu);
  CHECK(device.cores == 4);
  CHECK(device.frequency == Hertz{1e9});
  CHECK(device.peak_fp32 == FlopsPerSecond{1e12});
  CHECK(device.memory == Bytes{8'000'000'000});
  CHECK(device.memory_bandwidth == BytesPerSecond{1e11});
  CHECK(device.launch_overhead == Seconds{1e-5});
  CHECK(device.power_idle == Watts{10});
  CHECK(device.power_peak == Watts{110});
  CHECK_FALSE(device.shares_cores);
  CHECK_FALSE(device.bulk_synchronous);
  REQUIRE(device.link);
  CHECK(device.link->latency == Seconds{2e-6});
  CHECK(device.link->wake_latency == Seconds{2e-6});  // absent: the latency
  CHECK(device.link->full_duplex);
  CHECK_FALSE(device.threads_link);
}

TEST_CASE("each group keeps its own source") {
  const std::vector<std::pair<std::string, std::string>> want{
      {"compute", "a datasheet"}, {"memory", "a datasheet"}, {"power", "a meter"}, {"overhead", "a stopwatch"}};

  CHECK(small_device().sources == want);
  CHECK(small_device().link->source == "a datasheet");
}

TEST_CASE("groups that a datasheet lacks may be left out") {
  const Device device = device_from(R"(device: bare
kind: cpu
compute: {cores: 1, peak_fp32: 1 GFLOP/s, source: s}
memory: {capacity: 1 GB, bandwidth: 1 GB/s, source: s}
)");

  CHECK(device.frequency == Hertz{});
  CHECK(device.launch_overhead == Seconds{});
  CHECK(device.power_idle == Watts{});
  CHECK(device.power_peak == Watts{});
  CHECK_FALSE(device.link);
}

TEST_CASE("numbers without a source are refused at their group") {
  CHECK(complaint_about("  source: a meter\n", "") ==
        "device.yaml:13:3: error: these numbers have no `source:`; want where they are from");
  CHECK_THAT(complaint_about("a stopwatch", "\" \""), StartsWith("device.yaml:18:11: error: empty source"));
  CHECK_THAT(complaint_about("  source: a datasheet\nmemory", "memory"), Contains("no `source:`"));
  CHECK_THAT(complaint_about("  bandwidth: 10 GB/s\n  source: a datasheet", "  bandwidth: 10 GB/s"),
             StartsWith("device.yaml:20:3: error: these numbers have no `source:`"));
}

TEST_CASE("an unknown key is named with the one that was meant") {
  CHECK_THAT(complaint_about("  bandwidth: 100", "  bandwith: 100"),
             StartsWith("device.yaml:10:3: error: ") && Contains("did you mean \"bandwidth\"?; got \"bandwith\""));
  CHECK_THAT(complaint_about("overhead:", "overheads:"),
             StartsWith("device.yaml:16:1: error: ") && Contains("did you mean \"overhead\"?"));
  CHECK_THAT(complaint_about("  launch:", "  lunch:"), Contains("did you mean \"launch\"?"));
  CHECK_THAT(complaint_about("  idle:", "  idel:"), Contains("did you mean \"idle\"?"));
}

TEST_CASE("quantities of the wrong form are refused at their place") {
  // The value of `bandwidth: 100 GB/s` stands at line 10, column 14.
  const auto about_bandwidth = [](std::string_view value) { return complaint_about("100 GB/s", value); };

  for (const std::string_view value :
       {"nan", "inf", "infinity", "NaN(1)", ".inf", "1e-400 GB/s", "-5 GB/s", "-0 GB/s", "0 GB/s", "80", "1,5 GB/s",
        "1 .5 GB/s", "1e GB/s", "1e+ GB/s", "5 GB/s extra", "5 GB", "5 us", "5 TFLOP/s", "1e-300 B/s", "1e30 B/s"}) {
    CAPTURE(value);
    CHECK_THAT(about_bandwidth(value), StartsWith("device.yaml:10:") && Contains("error: "));
  }
}

TEST_CASE("each kind of quantity takes its own unit only") {
  CHECK_THAT(complaint_about("8 GB", "8 TFLOP/s"), StartsWith("device.yaml:9:"));
  CHECK_THAT(complaint_about("10 us", "10 GB/s"), StartsWith("device.yaml:17:"));
  CHECK_THAT(complaint_about("2 us", "2 GB/s"), StartsWith("device.yaml:20:"));
  CHECK_THAT(complaint_about("1 TFLOP/s", "1 GHz"), StartsWith("device.yaml:6:"));
  CHECK_THAT(complaint_about("1 GHz", "1 GB"), StartsWith("device.yaml:5:"));
  CHECK_THAT(complaint_about("110 W", "110 J"), StartsWith("device.yaml:14:"));
}

TEST_CASE("latency may be zero where a rate may not") {
  CHECK(complaint_about("2 us", "0 us").empty());
  CHECK(complaint_about("10 us", "0 s").empty());
  CHECK_THAT(complaint_about("10 GB/s", "0 GB/s"), StartsWith("device.yaml:21:"));
}

TEST_CASE("numbers beyond what hardware can be are refused") {
  CHECK_THAT(complaint_about("cores: 4", "cores: 0"), StartsWith("device.yaml:4:10: error: "));
  CHECK_THAT(complaint_about("cores: 4", "cores: -4"), StartsWith("device.yaml:4:"));
  CHECK_THAT(complaint_about("cores: 4", "cores: 4.5"), StartsWith("device.yaml:4:"));
  CHECK_THAT(complaint_about("cores: 4", "cores: 1e3"), StartsWith("device.yaml:4:"));
  CHECK_THAT(complaint_about("10 us", "2 h"), StartsWith("device.yaml:17:"));
  CHECK_THAT(complaint_about("10 us", "4000 s"), Contains("out of range"));
}

TEST_CASE("peak power below idle power is refused") {
  CHECK_THAT(complaint_about("110 W", "9 W"),
             StartsWith("device.yaml:14:9: error: peak power below idle power; got \"9 W\""));
}

TEST_CASE("a group without any number is refused") {
  CHECK_THAT(complaint_about("  idle: 10 W\n  peak: 110 W\n", ""), Contains("no number in this group"));
}

TEST_CASE("kind and flags take only their own words") {
  CHECK_THAT(complaint_about("kind: gpu", "kind: npu"),
             StartsWith("device.yaml:2:7: error: unknown kind of device; got \"npu\", want cpu, gpu, ipu or tpu"));
  CHECK_THAT(complaint_about("kind: gpu", "kind: gpu\nshares_cores: yes"), StartsWith("device.yaml:3:15: error: "));
  CHECK_THAT(complaint_about("device: small", "device: a/b"), Contains("unsuitable name"));
}

TEST_CASE("a missing group is named") {
  CHECK_THAT(complaint([] { device_from("device: small\nkind: cpu\n"); }), Contains("compute"));
  CHECK_THAT(complaint([] { device_from("[]"); }), StartsWith("device.yaml:1:1: error: "));
}

TEST_CASE("tables of points must ascend and have full rows") {
  const auto with = [](std::string_view section) {
    const std::string text = std::string(kSmallDevice) + std::string(section);
    return complaint([&] { device_from(text); });
  };

  CHECK(with("elementwise: {points: [[1 kB, 1 GB/s], [2 kB, 2 GB/s]], source: s}\n").empty());
  CHECK_THAT(with("elementwise: {points: [[1 kB, 1 GB/s], [1 kB, 2 GB/s]], source: s}\n"),
             Contains("sizes must ascend"));
  CHECK_THAT(with("copy: {points: [], source: s}\n"), Contains("no rows"));
  CHECK_THAT(with("copy: {points: [[1 kB]], source: s}\n"), Contains("want [size, rate]"));
  CHECK_THAT(with("power_curve: {points: [[2 GHz, 2 W], [1 GHz, 1 W]], source: s}\n"),
             Contains("frequencies must ascend"));
  CHECK_FALSE(with("concurrency: {points: [[2, 1.5], [2, 1.5]], source: s}\n").empty());
  CHECK_FALSE(with("concurrency: {points: [[0, 1]], source: s}\n").empty());
  CHECK_FALSE(with("concurrency: {turn: 0 ms, points: [[1, 1]], source: s}\n").empty());
  CHECK_FALSE(with("concurrency: {points: [[1, -1]], source: s}\n").empty());
}

TEST_CASE("a shape or a kernel that stands twice names both lines") {
  const std::string products = std::string(kSmallDevice) +
                               "product_rates:\n  points:\n    - [1, 2, 3, 1 GFLOP/s]\n    - [1, 2, 3, 2 GFLOP/s]\n"
                               "  source: s\n";
  const std::string kernels = std::string(kSmallDevice) +
                              "kernels:\n  rows:\n    - [relu F, 2 us, 1 us, 3 us, 5]\n"
                              "    - [relu F, 2 us, 1 us, 3 us, 5]\n  source: s\n";

  CHECK_THAT(complaint([&] { device_from(products); }), StartsWith("device.yaml:26:") && Contains("line 25"));
  CHECK_THAT(complaint([&] { device_from(kernels); }), StartsWith("device.yaml:26:") && Contains("line 25"));
}

TEST_CASE("percentiles that enclose no median are refused") {
  const std::string text = std::string(kSmallDevice) + "kernels: {rows: [[relu F, 2 us, 3 us, 4 us, 5]], source: s}\n";

  CHECK_THAT(complaint([&] { device_from(text); }), Contains("percentiles out of order"));
}

TEST_CASE("kernels are sorted by signature whatever the file's order") {
  const std::string kernels = "kernels: {rows: [[b, 1 us, 1 us, 1 us, 1], [a, 1 us, 1 us, 1 us, 1]], source: s}\n";
  const Device device = device_from(std::string(kSmallDevice) + kernels);

  REQUIRE(device.kernels.size() == 2);
  CHECK(device.kernels[0].signature == "a");
  CHECK(device.kernels[1].signature == "b");
}
