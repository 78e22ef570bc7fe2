#include <sstream>

#include "tests/catch.hpp"
#include "tools/show_cluster.hpp"

using namespace tandem;
using Catch::Contains;

TEST_CASE("every cluster of the zoo is shown within 80 columns, with its topology and its bisection") {
  for (const std::string& name : cluster_names()) {
    const std::string text = cluster_text(load_cluster(name));

    CAPTURE(text);
    CHECK(text.substr(0, name.size() + 1) == name + " ");
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) CHECK(line.size() <= 80);
    CHECK_THAT(text, Contains(name == "xeon-8180" ? "one device" : "bisection "));
  }
}

TEST_CASE("a cluster of nodes says how many of what are joined how") {
  const std::string text = cluster_text(load_cluster("dgx-a100:2"));

  CHECK_THAT(text, Contains("dgx-a100:2          16 nvidia-a100-sxm4-80gb\n"));
  CHECK_THAT(text, Contains("    2 x 8 devices on nvswitch, 8 NICs; between: fat_tree (levels 3, radix 40,\n"));
  CHECK_THAT(text, Contains("    bisection 200 GB/s, one way\n"));  // one node's 8 NICs of 25 GB/s
  CHECK(topology_line(load_cluster("mixed-xeon-k80-ipu")) ==
        "1 x 1 device, 1 NIC; 1 x 2 devices on switch, 1 NIC; 1 x 2 devices on ipu_ladder, 1 NIC; between: switch");
  CHECK(topology_line(load_cluster("k80-x4")) == "a link of its own for each pair");
}
