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
  if (device.host) check_source(device.host->source);
}

}  // namespace

TEST_CASE("the zoo has the article's three devices, later ones, and clusters of them") {
  CHECK(device_names() == std::vector<std::string>{"epyc-7742-x2", "google-tpu-v4", "graphcore-ipu-gc200",
                                                   "graphcore-ipu-mk1", "nvidia-a100-sxm4-80gb", "nvidia-h100-sxm5-80gb",
                                                   "tesla-k80", "xeon-8480c-x2", "xeon-e5-2686v4-x2",
                                                   "xeon-platinum-8180"});
  CHECK(cluster_names() ==
        std::vector<std::string>{"dgx-a100", "dgx-h100", "ipu-mk1-x2", "ipu-mk1-x4", "ipu-pod4", "k80-x2", "k80-x4",
                                 "k80-x8", "mixed-xeon-k80-ipu", "tpu-v4-64", "xeon-8180", "xeon-8180-x2"});
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

TEST_CASE("every pair in every cluster of the zoo has a route, and the way back is as long and as wide") {
  for (const std::string& name : cluster_names()) {
    CAPTURE(name);
    const Cluster cluster = load_cluster(name);
    for (std::uint32_t a = 0; a < cluster.device_count(); ++a)
      for (std::uint32_t b = 0; b <= a; ++b) {
        const Route there = cluster.route(DeviceId{a}, DeviceId{b}), back = cluster.route(DeviceId{b}, DeviceId{a});
        if (there.links.empty() || there.links.size() != back.links.size() || there.bandwidth != back.bandwidth ||
            there.latency.value != Approx(back.latency.value))
          FAIL("devices " << a << " and " << b);
      }
    CHECK((cluster.bisection().value > 0) == (cluster.device_count() > 1));
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

TEST_CASE("boards of a K80 box are faster inside than between, and the chips of a board share the way to the root") {
  const Cluster cluster = load_cluster("k80-x8");
  const auto route = [&](std::uint32_t a, std::uint32_t b) { return cluster.route(DeviceId{a}, DeviceId{b}); };

  CHECK(cluster.device_count() == 8);
  CHECK(route(6, 7).bandwidth == BytesPerSecond{12e9});
  CHECK(route(5, 6).bandwidth == BytesPerSecond{10e9});
  CHECK(route(6, 7).latency.value == Approx(5.7e-6));
  CHECK(route(5, 6).latency.value == Approx(5.7e-6));
  CHECK(route(0, 2).links.at(1) == route(1, 4).links.at(1));  // of both, board 0's way up
  CHECK(cluster.network_link(route(0, 2).links.at(1)).name == "node 0 pcie_tree root: switch 0 to switch 4");
}

TEST_CASE("a DGX A100 pod has one rail of the network for each of its eight GPUs") {
  const Cluster pod = load_cluster("dgx-a100");
  const auto route = [&](std::uint32_t a, std::uint32_t b) { return pod.route(DeviceId{a}, DeviceId{b}); };

  CHECK(pod.device_count() == 160);                             // 20 nodes of 8
  CHECK(route(0, 7).links.size() == 2);                         // up to the switch, and down
  CHECK(route(0, 7).bandwidth == BytesPerSecond{300e9});
  CHECK(route(3, 8 + 3).links.size() == 4);                     // NIC, leaf switch up and down, NIC
  CHECK(route(3, 8 + 4).links.size() == 6);                     // another rail: another leaf switch
  CHECK(route(3, 8 + 3).bandwidth == BytesPerSecond{25e9});
  CHECK(route(3, 8 + 3).latency.value == Approx(14e-6));
  CHECK(pod.bisection().value == Approx(80 * 25e9));            // half of the 160 NICs
  CHECK(load_cluster("dgx-a100:128").device_count() == 1024);
}

TEST_CASE("a TPU v4 slice is a torus, and a pod of its chips has the bisection that Google prints") {
  const Cluster slice = load_cluster("tpu-v4-64");
  const Topology* torus = find_topology("torus");
  const Link cable = slice.nodes->kinds().front().inside->links.front();

  CHECK(slice.route(DeviceId{0}, DeviceId{42}).links.size() == 6);  // 42 = 2 + 2 x 4 + 2 x 16, two steps each way
  CHECK(slice.bisection() == BytesPerSecond{1600e9});               // 2 x 16 cables of 50 GB/s
  const double pod = torus->bisection({4096, {16, 16, 16, 1}}, std::vector{cable}).value;
  CHECK(pod == Approx(24e12).epsilon(0.07));  // 2 x 256 x 50 GB/s = 25.6 TB/s; printed 24
}

TEST_CASE("three kinds of device stand in one cluster") {
  const Cluster mixed = load_cluster("mixed-xeon-k80-ipu");
  const auto route = [&](std::uint32_t a, std::uint32_t b) { return mixed.route(DeviceId{a}, DeviceId{b}); };

  CHECK(mixed.device(DeviceId{0}).kind == DeviceKind::cpu);
  CHECK(mixed.device(DeviceId{2}).kind == DeviceKind::gpu);
  CHECK(mixed.device(DeviceId{4}).kind == DeviceKind::ipu);
  CHECK(route(1, 2).bandwidth == BytesPerSecond{12e9});
  CHECK(route(3, 4).bandwidth == BytesPerSecond{96e9});
  CHECK(route(0, 3).bandwidth == BytesPerSecond{10e9});
  CHECK(route(1, 3).links.front() == route(2, 0).links.front());  // the chips of a board share its way out
}

TEST_CASE("a large product takes as long on each device as its peak says") {
  Work work;
  work.products = {{4096, 4096, 4096, 1}};  // 2 x 2^36 = 137.4 GFLOP

  CHECK(roofline(work, load_device("tesla-k80")).value == Approx(137.438953472e9 / 4.365e12 + 3e-6));
  CHECK(roofline(work, load_device("graphcore-ipu-mk1")).value == Approx(137.438953472e9 / 31.1e12));
  CHECK(roofline(work, load_device("xeon-platinum-8180")).value == Approx(137.438953472e9 * 28 / 1.36e12));  // one core
}
