// What the reader says to slips in `nodes:` and `between:`.
#include "tests/catch.hpp"
#include "tests/hardware_profiles/documents.hpp"

using namespace tandem;
using Catch::Contains;
using Catch::StartsWith;

namespace {

constexpr std::string_view kNodes = R"(cluster: slips
nodes:
  count: 4
  devices: [{profile: tesla-k80, count: 6}]
  inside:
    topology: torus
    x: 3
    y: 2
    bandwidth: 50 GB/s
    latency: 1 us
    source: s
  nics: {count: 2}
between:
  topology: fat_tree
  levels: 2
  radix: 4
  bandwidth: 25 GB/s
  source: s
)";

std::string slip(std::string_view old, std::string_view fresh) {
  return complaint([&] { cluster_from(replaced(kNodes, old, fresh)); });
}

}  // namespace

TEST_CASE("the file without slips is read") {
  const Cluster cluster = cluster_from(kNodes);

  CHECK(cluster.device_count() == 24);
  CHECK(cluster.links.size() == 3);  // torus, fat tree, within a K80
}

TEST_CASE("unknown topologies and keys are located, with what was meant") {
  CHECK_THAT(slip("topology: torus", "topology: tours"),
             StartsWith("cluster.yaml:6:15: error: unknown topology; did you mean \"torus\"?"));
  CHECK_THAT(slip("bandwidth: 50", "bandwith: 50"),
             StartsWith("cluster.yaml:9:5: error: unknown key; did you mean \"bandwidth\"?"));
  CHECK_THAT(slip("nics:", "nic:"), Contains("did you mean \"nics\"?"));
  CHECK_THAT(slip("between:", "betwen:"), Contains("did you mean \"between\"?"));
  CHECK_THAT(slip("radix: 4", "radicks: 4"), StartsWith("cluster.yaml:16:3: error: unknown key"));
  CHECK_THAT(slip("nodes:", "wires: []\nnodes:"), StartsWith("cluster.yaml:2:1: error: unknown key"));
  CHECK_THAT(slip("    topology: torus\n", ""), Contains("missing key \"topology\""));
}

TEST_CASE("sizes that do not fit say which number does not") {
  CHECK_THAT(slip("y: 2", "y: 4"),
             StartsWith("cluster.yaml:6:") &&
                 Contains("x times y times z of a torus is its number of devices; got \"3 x 4 x 1\", want 6"));
  CHECK_THAT(slip("count: 4", "count: 5"),
             StartsWith("cluster.yaml:14:") && Contains("too few ports; got \"10\", want at most 8"));
  CHECK_THAT(slip("radix: 4", "radix: 5"), Contains("does not divide into 1 ports down") && Contains("got \"5\""));
  CHECK_THAT(slip("levels: 2\n  radix: 4", "levels: 3\n  radix: 9\n  oversubscription: 2"), Contains("an even radix"));
  CHECK_THAT(slip("fat_tree\n  levels: 2\n  radix: 4", "dragonfly\n  groups: 3\n  routers: 2\n  ports: 1"),
             Contains("a dragonfly of 3 groups of 2 routers with 1 ports each has too few ports; got \"8\", "
                      "want at most 6"));
  CHECK_THAT(slip("topology: torus\n    x: 3\n    y: 2", "topology: ipu_ladder") +
                 slip("count: 6}]\n  inside:\n    topology: torus\n    x: 3\n    y: 2",
                      "count: 5}]\n  inside:\n    topology: ipu_ladder"),
             Contains("a ladder has two devices to a rung; got \"5\", want an even number"));
  CHECK_THAT(slip("nics: {count: 2}", "nics: {count: 7}"), StartsWith("cluster.yaml:12:17: error:"));
  CHECK_THAT(slip("nics: {count: 2}", "nics: {count: 0}"), StartsWith("cluster.yaml:12:17: error:"));
  CHECK_THAT(slip("x: 3", "x: 0"), StartsWith("cluster.yaml:7:8: error:"));
  CHECK_THAT(slip("levels: 2", "levels: -2"), StartsWith("cluster.yaml:15:11: error:"));
  CHECK_THAT(slip("count: 4", "count: 1000000"), StartsWith("cluster.yaml:3:10: error:"));
  CHECK_THAT(slip("    y: 2\n", ""), Contains("a torus needs `y:`, devices in the second direction"));
}

TEST_CASE("numbers of links are as strict as everywhere") {
  for (const char* bad :
       {"nan", "inf GB/s", "-5 GB/s", "0 GB/s", "50", "50 us", "1,5 GB/s", "50 GB/s extra", "1e-300 B/s"}) {
    CAPTURE(bad);
    CHECK_THAT(slip("50 GB/s", bad), StartsWith("cluster.yaml:9:"));
  }
  CHECK_THAT(slip("latency: 1 us", "latency: 1 GB/s"), StartsWith("cluster.yaml:10:"));
  CHECK(slip("latency: 1 us", "latency: 0 us").empty());
  CHECK_THAT(slip("    source: s\n", ""), Contains("no `source:`"));
  CHECK_THAT(slip("    bandwidth: 50 GB/s\n", ""), Contains("missing key \"bandwidth\""));
  CHECK_THAT(slip("    bandwidth: 50 GB/s\n    latency: 1 us\n    source: s\n", ""),
             Contains("nothing says how fast the cable of this torus is"));
  CHECK_THAT(slip("    source: s\n", "    source: s\n    cable: {bandwidth: 1 GB/s, source: s}\n"),
             Contains("each kind of cable has a section of its own, so this says nothing"));
  CHECK_THAT(slip("nics: {count: 2}", "nics: {count: 2, latency: 1 us}"), Contains("missing key \"bandwidth\""));
}

TEST_CASE("nodes and devices must be joined") {
  const std::string alone = std::string(kNodes.substr(0, kNodes.find("between:")));
  const std::string bare = "cluster: bare\nnodes: {devices: [{profile: tesla-k80, count: 2}]}\n";

  CHECK_THAT(complaint([&] { cluster_from(alone); }), Contains("nothing joins the 4 nodes"));
  CHECK_THAT(complaint([&] { cluster_from(bare); }), Contains("nothing says how the 2 devices of a node are joined"));
  CHECK_THAT(complaint([] { cluster_from("cluster: none\nnodes: []\n"); }), Contains("a cluster has nodes"));
}

TEST_CASE("a count behind the name of a cluster is its number of nodes") {
  const Folder folder("nodes");
  const std::string path = folder.write("slips.yaml", kNodes);

  CHECK(load_cluster(path + ":3").device_count() == 18);
  CHECK(load_cluster(path + ":3").name == "slips:3");
  CHECK(load_cluster(path + ":1").device_count() == 6);
  CHECK(load_cluster("dgx-a100:1").bisection() == BytesPerSecond{1200e9});  // four NVSwitch ports, no NIC
  CHECK_THAT(complaint([&] { load_cluster(path + ":5"); }), Contains("got \"10\", want at most 8"));
  CHECK_THAT(complaint([] { load_cluster("tpu-v4-64:2"); }), Contains("nothing joins the 2 nodes"));
  CHECK_THAT(complaint([] { load_cluster("mixed-xeon-k80-ipu:2"); }), Contains("several kinds of nodes"));
  CHECK_THAT(complaint([] { load_cluster("dgx-a100:1000000"); }), Contains("too many nodes"));
  CHECK_THAT(complaint([] { load_cluster("dgx-a100:2001"); }), Contains("got \"16008\", want at most 16000"));
}

TEST_CASE("rails join nodes with equally many NICs") {
  const std::string_view two_kinds =
      "cluster: kinds\nnodes:\n"
      "  - {devices: [{profile: tesla-k80}]}\n"
      "  - {devices: [{profile: tesla-k80, count: 2}], nics: {count: 2}, "
      "inside: {topology: ring, bandwidth: 1 GB/s, source: s}}\n"
      "between: {topology: switch, by_rail: true, bandwidth: 1 GB/s, source: s}\n";

  CHECK_THAT(complaint([&] { cluster_from(two_kinds); }),
             StartsWith("cluster.yaml:5:") && Contains("rails join nodes with equally many NICs; got \"1 and 2\""));
  CHECK(cluster_from(replaced(two_kinds, "by_rail: true", "by_rail: false")).device_count() == 3);
}
