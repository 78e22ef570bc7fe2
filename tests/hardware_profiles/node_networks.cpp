// Clusters of nodes: what a message meets on its way between any two devices.
#include "hardware_profiles/node_network.hpp"

#include <algorithm>
#include <map>

#include "tests/catch.hpp"
#include "tests/hardware_profiles/documents.hpp"
#include "tests/hardware_profiles/shapes.hpp"

using namespace tandem;

namespace {

constexpr std::string_view kTwoNodes = R"(cluster: two-nodes
nodes:
  count: 2
  devices: [{profile: tesla-k80, count: 4}]
  inside:
    topology: pcie_tree
    devices_per_switch: 2
    port: {bandwidth: 12 GB/s, latency: 1 us, source: s}
    root: {bandwidth: 10 GB/s, latency: 2 us, source: s}
  nics: {count: 2, bandwidth: 5 GB/s, latency: 4 us, source: s}
between: {topology: switch, bandwidth: 6 GB/s, latency: 8 us, source: s}
)";

DeviceId device(std::uint32_t index) { return DeviceId{index}; }

std::vector<std::string> names(const Cluster& cluster, std::uint32_t from, std::uint32_t to) {
  std::vector<std::string> names;
  for (const NetworkLinkId id : cluster.route(device(from), device(to)).links)
    names.push_back(cluster.network_link(id).name);
  return names;
}

Fabric any_fabric(std::uint32_t ends) {
  const std::string_view name = *rc::gen::element<std::string_view>("shared_memory", "pcie_tree", "nvlink_mesh",
                                                                    "nvswitch", "ring", "torus", "fat_tree");
  const std::map<std::string_view, std::vector<std::int64_t>> parameters = {
      {"pcie_tree", {any_number(1, 4)}}, {"torus", {ends, 1, 1, 1}}, {"fat_tree", {3, 8, 1}}};
  Fabric fabric{find_topology(name), {ends, {}}, {}};
  if (parameters.contains(name)) fabric.shape.parameters = parameters.at(name);
  for (const std::string_view kind : fabric.topology->kinds)
    fabric.links.push_back({std::string(name) + " " + std::string(kind),
                            {any_number(0, 9) * 1e-6},
                            {any_number(1, 9) * 1e9},
                            *rc::gen::arbitrary<bool>(),
                            {},
                            "s"});
  return fabric;
}

NodeKind any_node_kind() {
  NodeKind kind;
  kind.count = any_number(1, 4);
  kind.devices = any_number(1, 6);
  kind.nics = any_number(1, kind.devices);
  if (kind.devices > 1) kind.inside = any_fabric(kind.devices);
  if (*rc::gen::arbitrary<bool>()) kind.nic = Link{"nic", {1e-6}, {2e9}, *rc::gen::arbitrary<bool>(), {}, "s"};
  return kind;
}

struct Draft {
  NodeNetwork network;
  std::uint32_t devices = 0;
};

Draft any_network() {
  std::vector<NodeKind> kinds = {any_node_kind()};
  const bool by_rail = *rc::gen::arbitrary<bool>();
  if (!by_rail && *rc::gen::arbitrary<bool>()) kinds.push_back(any_node_kind());
  std::uint32_t nodes = 0, nics = 0, devices = 0;
  for (const NodeKind& kind : kinds) {
    nodes += kind.count;
    nics += kind.count * kind.nics;
    devices += kind.count * kind.devices;
  }
  const auto between = nodes > 1 ? std::optional(any_fabric(nics)) : std::nullopt;
  return {NodeNetwork(std::move(kinds), between, by_rail), devices};
}

template <class Check>
void for_each_pair(std::uint32_t devices, Check check) {
  for (std::uint32_t from = 0; from < devices; ++from)
    for (std::uint32_t to = 0; to < devices; ++to)
      if (from != to) check(device(from), device(to));
}

}  // namespace

TEST_CASE("between nodes a message leaves by the root, takes its NIC, the switch and the other NIC, and comes in") {
  const Cluster cluster = cluster_from(kTwoNodes);

  CHECK(names(cluster, 1, 6) == std::vector<std::string>{
                                    "node 0 pcie_tree port: device 1 to switch 0",
                                    "node 0 pcie_tree root: switch 0 to switch 2",
                                    "node 0 nic 0 out",
                                    "switch port: nic 0 to switch 0",
                                    "switch port: switch 0 to nic 3",
                                    "node 1 nic 1 in",
                                    "node 1 pcie_tree root: switch 2 to switch 1",
                                    "node 1 pcie_tree port: switch 1 to device 2",
                                });
  const Route route = cluster.route(device(1), device(6));
  CHECK(route.latency.value == Approx(30e-6));  // 2 x (1 + 2 + 4 + 8) us
  CHECK(route.bandwidth == BytesPerSecond{5e9});
  CHECK(names(cluster, 4, 5) == std::vector<std::string>{"node 1 pcie_tree port: device 0 to switch 0",
                                                         "node 1 pcie_tree port: switch 0 to device 1"});
  CHECK(cluster.bisection() == BytesPerSecond{10e9});  // one node's two NICs of 5 GB/s
}

TEST_CASE("devices know their node, also where nodes differ") {
  const Cluster mixed = load_cluster("mixed-xeon-k80-ipu"), pod = load_cluster("dgx-a100");

  CHECK(mixed.nodes->node_of(device(0)) == 0);
  CHECK(mixed.nodes->node_of(device(2)) == 1);
  CHECK(mixed.nodes->node_of(device(3)) == 2);
  CHECK(pod.nodes->node_of(device(159)) == 19);
  CHECK(pod.nodes->node_count() == 20);
}

TEST_CASE("devices share a NIC where there are fewer, and have one each where there are as many") {
  const Cluster shared = cluster_from(replaced(kTwoNodes, "nics: {count: 2,", "nics: {count: 1,"));
  const Cluster own = cluster_from(replaced(kTwoNodes, "nics: {count: 2,", "nics: {count: 4,"));

  for (std::uint32_t from = 0; from < 4; ++from) {
    CHECK(names(shared, from, 4)[2] == "node 0 nic 0 out");
    CHECK(names(own, from, 4)[2] == "node 0 nic " + std::to_string(from) + " out");
  }
}

TEST_CASE("without numbers of their own NICs are no limit, and without the section a node has one") {
  const Cluster cluster = cluster_from(
      replaced(kTwoNodes, "  nics: {count: 2, bandwidth: 5 GB/s, latency: 4 us, source: s}\n", ""));

  CHECK(names(cluster, 0, 4).size() == 6);
  CHECK(cluster.route(device(0), device(4)).bandwidth == BytesPerSecond{6e9});
  CHECK(cluster.bisection() == BytesPerSecond{6e9});  // one port
}

TEST_CASE("a half-duplex link is one link for both directions, a full-duplex link is two") {
  const auto by_duplex = [](std::string_view duplex) {
    return cluster_from(replaced(kTwoNodes, "6 GB/s, ", "6 GB/s, full_duplex: " + std::string(duplex) + ", "));
  };
  const auto port = [](const Cluster& cluster, std::uint32_t from, std::uint32_t to, std::size_t at) {
    return cluster.route(device(from), device(to)).links.at(at);
  };
  const Cluster half = by_duplex("false"), full = by_duplex("true");

  CHECK(port(half, 0, 4, 3) == port(half, 4, 0, 4));
  CHECK(half.network_link(port(half, 0, 4, 3)).name == "switch port: nic 0 and switch 0");
  CHECK(port(full, 0, 4, 3) != port(full, 4, 0, 4));
}

TEST_CASE("simple clusters have two links a pair, or one where it is half duplex, and one in each device") {
  constexpr std::string_view kPair =
      "cluster: pair\ndevices: [{profile: tesla-k80, count: 3}]\n"
      "links: {wire: {bandwidth: 3 GB/s, latency: 2 us, full_duplex: true, source: s}}\ndefault_link: wire\n";
  const Cluster full = cluster_from(kPair), half = cluster_from(replaced(kPair, "true", "false"));
  const auto only = [](const Cluster& cluster, std::uint32_t from, std::uint32_t to) {
    const Route route = cluster.route(device(from), device(to));
    REQUIRE(route.links.size() == 1);
    return route.links.front();
  };

  CHECK(full.network_link_count() == 9);  // 3 devices, 3 pairs of 2
  CHECK(only(full, 0, 2) != only(full, 2, 0));
  CHECK(only(half, 0, 2) == only(half, 2, 0));
  CHECK(only(full, 1, 1) != only(full, 2, 2));
  CHECK(full.network_link(only(full, 2, 0)).name == "wire 2 to 0");
  CHECK(half.network_link(only(half, 2, 0)).name == "wire 0 and 2");
  CHECK(full.network_link(only(full, 1, 1)).name == "tesla-k80 memory in device 1");
  CHECK(full.route(device(0), device(1)).latency == Seconds{2e-6});
  CHECK(full.bisection() == BytesPerSecond{6e9});  // one device against two
}

TEST_CASE("a pair without a route is named") {
  const Cluster wired = cluster_from(
      "cluster: wired\ndevices: [{profile: tesla-k80, count: 3}]\n"
      "links: {wire: {bandwidth: 3 GB/s, source: s}}\nwires: [{between: [0, 1], link: wire}]\n");

  CHECK(wired.route(device(1), device(0)).links.size() == 1);
  CHECK_THAT(complaint([&] { wired.route(device(2), device(1)); }),
             Catch::Contains("cluster \"wired\" has no route from device 2 (tesla-k80) to device 1 (tesla-k80)"));
}

TEST_CASE("by rail, the same NICs of all nodes stand next to each other") {
  const Cluster rails = cluster_from(replaced(kTwoNodes, "6 GB/s, ", "6 GB/s, by_rail: true, "));

  CHECK(names(rails, 0, 4)[3] == "switch port: nic 0 to switch 0");  // first NIC of node 0
  CHECK(names(rails, 4, 0)[3] == "switch port: nic 1 to switch 0");  // first NIC of node 1
  CHECK(names(rails, 3, 4)[3] == "switch port: nic 2 to switch 0");  // second NIC of node 0
}

TEST_CASE("a route's latency is the sum over its links, its bandwidth that of the narrowest, each link there once") {
  CHECK(rc::check("any network", [] {
    const Draft draft = any_network();
    for_each_pair(draft.devices, [&](DeviceId from, DeviceId to) {
      const Route route = draft.network.route(from, to);
      Seconds latency;
      BytesPerSecond bandwidth{1e18};
      for (const NetworkLinkId id : route.links) {
        RC_ASSERT(index_of(id) < draft.network.link_count());
        latency += draft.network.link(id).latency;
        bandwidth = std::min(bandwidth, draft.network.link(id).bandwidth);
      }
      RC_ASSERT(std::abs(route.latency.value - latency.value) < 1e-12);
      RC_ASSERT(route.bandwidth == bandwidth);
      std::vector<NetworkLinkId> once = route.links;
      std::sort(once.begin(), once.end());
      RC_ASSERT(std::adjacent_find(once.begin(), once.end()) == once.end());
    });
  }));
}

TEST_CASE("links that routes take have names of their own") {
  CHECK(rc::check("any network", [] {
    const Draft draft = any_network();
    std::map<std::string, NetworkLinkId> by_name;
    for_each_pair(draft.devices, [&](DeviceId from, DeviceId to) {
      for (const NetworkLinkId id : draft.network.route(from, to).links)
        RC_ASSERT(by_name.emplace(draft.network.link(id).name, id).first->second == id);
    });
  }));
}

TEST_CASE("65,536 devices need no table, and a mesh of as many has more links than ids") {
  const Cluster pod = load_cluster("dgx-h100:8192");

  CHECK(pod.device_count() == 65'536);
  CHECK(pod.route(device(0), device(65'535)).links.size() == 8);  // NIC, three levels up and down, NIC
  CHECK(pod.network_link_count() == 65'536 + 2 * (65'536 + 65'536 + 3 * 65'536));  // NVSwitch, NICs, three levels
  CHECK_THAT(complaint([] { load_cluster("tesla-k80:65536").route(device(0), device(1)); }),
             Catch::Contains("too many devices for a link between each pair of them; got \"65536\", want at most "
                             "65535"));
  CHECK(load_cluster("tesla-k80:65535").route(device(0), device(65'534)).links.size() == 1);
}
