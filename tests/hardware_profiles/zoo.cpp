#include "tests/catch.hpp"
#include "hardware_profiles/cost.hpp"
#include "hardware_profiles/profile_files.hpp"
#include "tests/hardware_profiles/documents.hpp"

using namespace tandem;

namespace {

void check_source(const std::string& source) { CHECK(source.size() > 30); }

void check_sources(const Device& device) {
  for (const auto& [group, source] : device.sources) {
    CAPTURE(device.name, group);
    check_source(source);
  }
  if (device.link) check_source(device.link->source);
}

}  // namespace

TEST_CASE("the zoo has the article's three devices and clusters of them") {
  CHECK(device_names() == std::vector<std::string>{"graphcore-ipu-mk1", "tesla-k80", "xeon-platinum-8180"});
  CHECK(cluster_names() == std::vector<std::string>{"ipu-mk1-x2", "ipu-mk1-x4", "k80-x2", "k80-x4", "k80-x8",
                                                    "xeon-8180", "xeon-8180-x2"});
  CHECK(profile_files().size() == device_names().size() + cluster_names().size());
}

TEST_CASE("every profile of the zoo stands under its own name, with a source for each group") {
  for (const std::string& name : device_names()) {
    CHECK(load_device(name).name == name);
    check_sources(load_device(name));
  }
  for (const std::string& name : cluster_names()) {
    const Cluster cluster = load_cluster(name);
    CHECK(cluster.name == name);
    for (const Link& link : cluster.links) check_source(link.source);
  }
}

TEST_CASE("every device of the zoo survives being written") {
  for (const std::string& name : device_names()) {
    const Device device = load_device(name);
    CHECK(device_from(write_device(device)) == device);
  }
}

TEST_CASE("every pair in every cluster of the zoo has a route, and both directions take the same") {
  for (const std::string& name : cluster_names()) {
    const Cluster cluster = load_cluster(name);
    for (std::uint32_t a = 0; a < cluster.device_count(); ++a)
      for (std::uint32_t b = 0; b < cluster.device_count(); ++b) {
        const DeviceId from{a}, to{b};
        CHECK(cluster.link_between(from, to) < cluster.links.size());
        CHECK(cluster.link_between(from, to) == cluster.link_between(to, from));
      }
  }
}

TEST_CASE("the numbers that the article prints are the zoo's") {
  const Device xeon = load_device("xeon-platinum-8180");
  const Device k80 = load_device("tesla-k80");
  const Device ipu = load_device("graphcore-ipu-mk1");

  CHECK(xeon.cores == 28);
  CHECK(xeon.frequency == Hertz{2.5e9});
  CHECK(xeon.peak_fp32 == FlopsPerSecond{1.36e12});
  CHECK(xeon.memory == Bytes{768'000'000'000});
  CHECK(xeon.shares_cores);
  CHECK(2 * k80.cores == 4992);  // two chips on the board that the article prints
  CHECK(k80.frequency.value == Approx(0.56e9));
  CHECK((k80.peak_fp32 * 2).value == Approx(8.73e12));
  CHECK(k80.memory == Bytes{12'000'000'000});
  CHECK(ipu.cores == 1216);
  CHECK(ipu.frequency.value == Approx(1.6e9));
  CHECK(ipu.peak_fp32.value == Approx(31.1e12));
  CHECK(ipu.memory == Bytes{304} * 1024 * 1024);
  CHECK(ipu.bulk_synchronous);
}

TEST_CASE("boards of a K80 cluster are faster inside than between") {
  const Cluster cluster = load_cluster("k80-x8");
  const auto bandwidth = [&](std::uint32_t a, std::uint32_t b) {
    return cluster.links[cluster.link_between(DeviceId{a}, DeviceId{b})].bandwidth;
  };

  CHECK(cluster.device_count() == 8);
  CHECK(bandwidth(6, 7) == BytesPerSecond{12e9});
  CHECK(bandwidth(5, 6) == BytesPerSecond{10e9});
}

TEST_CASE("a large product takes as long on each device as its peak says") {
  Work work;
  work.products = {{4096, 4096, 4096, 1}};  // 2 x 2^36 = 137.4 GFLOP

  CHECK(roofline(work, load_device("tesla-k80")).value == Approx(137.438953472e9 / 4.365e12 + 3e-6));
  CHECK(roofline(work, load_device("graphcore-ipu-mk1")).value == Approx(137.438953472e9 / 31.1e12));
  CHECK(roofline(work, load_device("xeon-platinum-8180")).value == Approx(137.438953472e9 * 28 / 1.36e12));  // one core
}
