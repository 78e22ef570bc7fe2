#include "hardware_profiles/cluster.hpp"

#include "hardware_profiles/host.hpp"
#include "hardware_profiles/zoo.hpp"
#include "tests/catch.hpp"
#include "tests/hardware_profiles/documents.hpp"

using namespace tandem;
using Catch::Matchers::Contains;
using Catch::Matchers::StartsWith;

namespace {

constexpr std::string_view kPairs = R"(cluster: pairs
devices: [{profile: tesla-k80, count: 4}]
links:
  near: {latency: 1 us, bandwidth: 12 GB/s, source: s}
  far: {latency: 9 us, bandwidth: 2 GB/s, source: s}
default_link: far
wires:
  - {between: [0, 1], link: near}
  - {between: [3, 2], link: near}
)";

DeviceId device(std::uint32_t index) { return static_cast<DeviceId>(index); }

std::string link_name(const Cluster& cluster, std::uint32_t from, std::uint32_t to) {
  return cluster.links[cluster.link_between(device(from), device(to))].name;
}

std::string cluster_complaint(std::string_view old, std::string_view fresh) {
  return complaint([&] { cluster_from(replaced(kPairs, old, fresh)); });
}

std::vector<std::uint32_t> places(const Cluster& cluster, std::size_t workers) {
  std::vector<std::uint32_t> indices;
  for (const DeviceId id : place_workers(cluster, workers)) indices.push_back(index_of(id));
  return indices;
}

}  // namespace

TEST_CASE("a wired pair uses its wire in both directions, every other pair the default link") {
  const Cluster cluster = cluster_from(kPairs);

  CHECK(cluster.device_count() == 4);
  CHECK(link_name(cluster, 0, 1) == "near");
  CHECK(link_name(cluster, 1, 0) == "near");
  CHECK(link_name(cluster, 2, 3) == "near");
  CHECK(link_name(cluster, 3, 2) == "near");
  CHECK(link_name(cluster, 0, 2) == "far");
  CHECK(link_name(cluster, 2, 1) == "far");
}

TEST_CASE("within one device a message is a copy through its memory") {
  const Cluster cluster = cluster_from(kPairs);

  const Link& link = cluster.links[cluster.link_between(device(2), device(2))];

  CHECK(link.bandwidth == BytesPerSecond{120e9});  // half of 240 GB/s: each byte is read and written
  CHECK_FALSE(link.full_duplex);
  CHECK(link.latency == Seconds{});
}

TEST_CASE("without a default link only wired pairs can talk, and the pair without a route is named") {
  const Cluster cluster = cluster_from(replaced(kPairs, "default_link: far\n", ""));

  CHECK(link_name(cluster, 1, 0) == "near");
  CHECK_FALSE(cluster.all_connected);
  CHECK_THAT(complaint([&] { cluster.link_between(device(1), device(2)); }),
             Contains("no route from device 1 (tesla-k80) to device 2 (tesla-k80)"));
}

TEST_CASE("slips in a cluster file are located") {
  CHECK_THAT(cluster_complaint("tesla-k80", "tesla-k8"),
             StartsWith("cluster.yaml:2:21: error: unknown device; did you mean \"tesla-k80\"?"));
  CHECK_THAT(cluster_complaint("default_link: far", "default_link: fat"),
             StartsWith("cluster.yaml:6:15: error: unknown link; did you mean \"far\"?"));
  CHECK_THAT(cluster_complaint("[0, 1]", "[0, 4]"), StartsWith("cluster.yaml:8:"));
  CHECK_THAT(cluster_complaint("[0, 1]", "[-1, 1]"), StartsWith("cluster.yaml:8:"));
  CHECK_THAT(cluster_complaint("[0, 1]", "[1, 1]"), Contains("two different devices"));
  CHECK_THAT(cluster_complaint("[0, 1]", "[0, 1, 2]"), Contains("joins two devices"));
  CHECK_THAT(cluster_complaint("[0, 1]", "[2, 3]"), StartsWith("cluster.yaml:9:") && Contains("has a wire already"));
  CHECK_THAT(cluster_complaint("count: 4", "count: 0"), StartsWith("cluster.yaml:2:"));
  CHECK_THAT(cluster_complaint("count: 4", "count: 1000001"), StartsWith("cluster.yaml:2:"));
  CHECK_THAT(cluster_complaint("wires:", "wire:"), Contains("did you mean \"wires\"?"));
  CHECK_THAT(cluster_complaint(", source: s", ""), StartsWith("cluster.yaml:4:") && Contains("no `source:`"));
  CHECK_THAT(cluster_complaint("12 GB/s", "12 us"), StartsWith("cluster.yaml:4:"));
  CHECK_THAT(cluster_complaint("[{profile: tesla-k80, count: 4}]", "[]"), Contains("a cluster has devices"));
}

TEST_CASE("a cluster names devices, never files") {
  const std::string said = cluster_complaint("tesla-k80", "../../etc/passwd");

  CHECK_THAT(said, Contains("unknown device") && !Contains("root:"));
}

TEST_CASE("a cluster may describe its own devices and mix kinds") {
  std::string text = "cluster: mixed\nprofiles:\n  -\n";
  for (std::size_t at = 0; at < kSmallDevice.size();) {
    const std::size_t end = kSmallDevice.find('\n', at) + 1;
    text += "    " + std::string(kSmallDevice.substr(at, end - at));
    at = end;
  }
  text += "devices: [{profile: small}, {profile: tesla-k80, count: 2}]\n"
          "links: {only: {bandwidth: 1 GB/s, source: s}}\ndefault_link: only\n";

  const Cluster cluster = cluster_from(text);

  CHECK(cluster.profiles.size() == 2);
  CHECK(cluster.device(device(0)).name == "small");
  CHECK(cluster.device(device(2)).name == "tesla-k80");
  CHECK(total_memory(cluster) == Bytes{32'000'000'000});  // 8 + 2 x 12 GB
}

TEST_CASE("memory that cannot be counted is refused with its factors") {
  const std::string huge = replaced(kSmallDevice, "8 GB", "1e14 B");

  const std::string said = complaint([&] { cluster_of(device_from(huge), 1'000'000); });

  CHECK_THAT(said, Contains("1000000 x ") && Contains("more than can be counted"));  // 10^20 > 2^63
  CHECK(total_memory(cluster_of(device_from(huge), 90'000)) == Bytes{9'000'000'000'000'000'000});
}

TEST_CASE("a device and a count make a cluster on the device's own link") {
  const Cluster cluster = load_cluster("tesla-k80:4");

  CHECK(cluster.name == "tesla-k80:4");
  CHECK(cluster.device_count() == 4);
  CHECK(link_name(cluster, 0, 3) == "tesla-k80 link");
  CHECK(cluster.links[cluster.link_between(device(0), device(3))] == *load_device("tesla-k80").link);
  CHECK(load_cluster("tesla-k80").device_count() == 1);
  CHECK(load_cluster("tesla-k80").name == "tesla-k80");
}

TEST_CASE("a device without a link section stands alone") {
  Device alone = small_device();
  alone.link.reset();

  CHECK(cluster_of(alone, 1).device_count() == 1);
  CHECK_THAT(complaint([&] { cluster_of(alone, 2); }), Contains("device \"small\" has no `link:` section"));
}

TEST_CASE("unsuitable counts and names of clusters are refused") {
  for (const std::string name :
       {"tesla-k80:0", "tesla-k80:-1", "tesla-k80:1e3", "tesla-k80:", "tesla-k80:0x10",
        "tesla-k80:99999999999999999999", "tesla-k80:1000001", "k80-x4:2", "host:2", "", ":4"}) {
    CAPTURE(name);
    CHECK_THROWS_AS(load_cluster(name), InputError);
  }
  CHECK_THAT(complaint([] { load_cluster("k80-x4:2"); }),
             Contains("only a device, or a cluster with `nodes:`, takes a count; got \":2\", want no count"));
  CHECK_THAT(complaint([] { load_cluster("k80x4"); }), Contains("did you mean \"k80-x4\"?"));
  CHECK_THAT(complaint([] { load_cluster("tesla-k8O"); }), Contains("did you mean \"tesla-k80\"?"));
  CHECK_THAT(complaint([] { load_cluster("hots"); }), Contains("did you mean \"host\"?"));
  CHECK_THAT(complaint([] { load_device("tesla-k08"); }), Contains("did you mean \"tesla-k80\"?"));
  CHECK_THROWS_AS(load_device("k80-x4"), InputError);
}

TEST_CASE("clusters and devices are read from files as from the zoo") {
  const Folder folder("files");
  const std::string cluster = folder.write("pairs.yaml", kPairs);
  const std::string small = folder.write("small.yaml", kSmallDevice);

  CHECK(load_cluster(cluster).name == "pairs");
  CHECK(load_cluster(small).device_count() == 1);
  CHECK(load_cluster(small + ":3").device_count() == 3);
  CHECK(load_device(small) == small_device());
  CHECK_THAT(complaint([&] { load_device(cluster); }), Contains("this is a cluster, not a device"));
  CHECK_THROWS_AS(load_cluster(folder.path("missing.yaml")), InputError);
  CHECK_THROWS_AS(load_cluster(folder.path("")), InputError);
}

TEST_CASE("each worker gets a device of its own while they last") {
  const Cluster cluster = cluster_from(kPairs);

  CHECK(places(cluster, 1) == std::vector<std::uint32_t>{0});
  CHECK(places(cluster, 4) == std::vector<std::uint32_t>{0, 1, 2, 3});
}

TEST_CASE("workers beyond the devices do not fit unless cores are shared") {
  CHECK_THAT(complaint([] { place_workers(cluster_from(kPairs), 5); }),
             Contains("do not fit on cluster \"pairs\"") && Contains("got \"5\", want at most 4"));
  CHECK_THROWS_AS(place_workers(cluster_from(kPairs), 0), InputError);
}

TEST_CASE("on devices that share cores workers stand in contiguous blocks") {
  const Cluster sockets = load_cluster("xeon-8180-x2");

  CHECK(places(sockets, 2) == std::vector<std::uint32_t>{0, 1});
  CHECK(places(sockets, 6) == std::vector<std::uint32_t>{0, 0, 0, 1, 1, 1});
  CHECK(places(sockets, 5) == std::vector<std::uint32_t>{0, 0, 0, 1, 1});
  CHECK(places(load_cluster("xeon-8180"), 3) == std::vector<std::uint32_t>{0, 0, 0});
}

TEST_CASE("the host of a device is its server with all cores, or itself where it shares them, or unknown") {
  const Cluster nodes = load_cluster("dgx-a100:2"), sockets = load_cluster("xeon-8180-x2");

  CHECK(nodes.host_of(DeviceId{15})->name == "epyc-7742-x2");
  CHECK_FALSE(nodes.host_of(DeviceId{15})->shares_cores);
  CHECK(sockets.host_of(DeviceId{1})->shares_cores);
  CHECK(load_cluster("graphcore-ipu-mk1:2").host_of(DeviceId{0}) == nullptr);
}

TEST_CASE("an unknown host is named with the one that was meant") {
  const std::string document =
      std::string(kSmallDevice) + "host: {profile: epyc-7742, shared_by: 8, source: a datasheet}\n";

  CHECK_THAT(complaint([&] { cluster_of(device_from(document), 1); }),
             Contains("device \"small\": unknown host; did you mean \"epyc-7742-x2\"?; got \"epyc-7742\""));
}
