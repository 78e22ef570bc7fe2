// Diameters and bisections against numbers worked out by hand, and against maximum flows.
#include "hardware_profiles/topology.hpp"

#include <set>

#include "tests/catch.hpp"
#include "tests/hardware_profiles/max_flow.hpp"
#include "tests/hardware_profiles/shapes.hpp"

using namespace tandem;

namespace {

std::uint32_t diameter(std::string_view name, const Shape& shape) { return find_topology(name)->diameter(shape); }

/// With cables that carry so many bytes per second, by kind.
double bisection(std::string_view name, const Shape& shape, const std::vector<int>& capacities) {
  std::vector<Link> links(capacities.size());
  for (std::size_t kind = 0; kind < links.size(); ++kind)
    links[kind].bandwidth = {static_cast<double>(capacities[kind])};
  return find_topology(name)->bisection(shape, links).value;
}

void check_against_flow(std::string_view name, const Shape& shape, const std::vector<int>& capacities) {
  RC_ASSERT(bisection(name, shape, capacities) ==
            most_from_lower_to_upper_half(*find_topology(name), shape, capacities));
}

std::vector<std::uint32_t> cables(std::string_view name, const Shape& shape, std::uint32_t from, std::uint32_t to) {
  std::vector<std::uint32_t> numbers;
  for (const Hop& hop : route_of(*find_topology(name), shape, from, to)) numbers.push_back(hop.cable);
  return numbers;
}

}  // namespace

TEST_CASE("diameters are those of the textbooks") {
  CHECK(diameter("ring", {8, {}}) == 4);
  CHECK(diameter("ring", {9, {}}) == 4);
  CHECK(diameter("torus", {64, {4, 4, 4, 1}}) == 6);      // 2 + 2 + 2
  CHECK(diameter("torus", {64, {4, 4, 4, 0}}) == 9);      // a mesh: 3 + 3 + 3
  CHECK(diameter("torus", {30, {5, 6, 1, 1}}) == 5);      // 2 + 3
  CHECK(diameter("ipu_ladder", {16, {}}) == 8);           // 7 rails and a rung
  CHECK(diameter("fat_tree", {16, {3, 4, 1}}) == 6);      // up three levels and down
  CHECK(diameter("dragonfly", {72, {9, 4, 2}}) == 5);     // port, local, global, local, port
  CHECK(diameter("pcie_tree", {8, {2}}) == 4);
  CHECK(diameter("nvlink_mesh", {8, {}}) == 1);
}

TEST_CASE("bisections of small networks are those counted by hand") {
  CHECK(bisection("shared_memory", {8, {}}, {7}) == 7);
  CHECK(bisection("ring", {8, {}}, {7}) == 14);                       // two cables are cut
  CHECK(bisection("ring", {2, {}}, {7}) == 7);                        // there is one
  CHECK(bisection("torus", {64, {4, 4, 4, 1}}, {7}) == 7 * 32);       // 2 x 4 x 4
  CHECK(bisection("torus", {64, {4, 4, 4, 0}}, {7}) == 7 * 16);       // one plane
  CHECK(bisection("torus", {32, {4, 8, 1, 1}}, {7}) == 7 * 8);        // across the side of 8: 2 x 4
  CHECK(bisection("nvlink_mesh", {4, {}}, {7}) == 28);                // 2 x 2 pairs
  CHECK(bisection("nvswitch", {8, {}}, {7}) == 28);                   // four ports
  CHECK(bisection("pcie_tree", {8, {2}}, {12, 10}) == 20);            // two of four switches, a root cable each
  CHECK(bisection("pcie_tree", {6, {2}}, {12, 10}) == 22);            // a root cable, and a port of the middle switch
  CHECK(bisection("pcie_tree", {8, {8}}, {12, 10}) == 48);            // one switch: four ports
  CHECK(bisection("ipu_ladder", {8, {}}, {96, 64}) == 128);           // both rails
  CHECK(bisection("ipu_ladder", {6, {}}, {96, 64}) == 224);           // both rails and the middle rung
  CHECK(bisection("ipu_ladder", {6, {}}, {10, 64}) == 30);            // the three rungs
  CHECK(bisection("ipu_ladder", {2, {}}, {96, 64}) == 96);            // the rung
  CHECK(bisection("fat_tree", {16, {3, 4, 1}}, {7}) == 56);           // eight ends at full speed
  CHECK(bisection("fat_tree", {24, {2, 8, 3}}, {7}) == 7 * 4);        // two of four leaves of 6 ends, 2 cables up each
  CHECK(bisection("dragonfly", {72, {9, 4, 2}}, {7, 7, 7}) == 7 * 20);  // 4 x 5 pairs of groups
  CHECK(bisection("dragonfly", {8, {1, 4, 2}}, {7, 7, 7}) == 28);     // one group: 2 x 2 pairs of routers
}

TEST_CASE("bisections are the maximum flow from the lower to the upper half where that is the poorest") {
  CHECK(rc::check("star", [] { check_against_flow("switch", any_ends(), {3}); }));
  CHECK(rc::check("mesh of pairs", [] { check_against_flow("nvlink_mesh", {any_number(2, 12), {}}, {3}); }));
  CHECK(rc::check("ring", [] { check_against_flow("ring", any_ends(), {3}); }));
  CHECK(rc::check("ladder", [] { check_against_flow("ipu_ladder", {4 * any_number(1, 6), {}}, {3, 3}); }));
  CHECK(rc::check("fat tree", [] { check_against_flow("fat_tree", any_fat_tree(), {3}); }));
  CHECK(rc::check("ladder with a middle rung", [] {
    check_against_flow("ipu_ladder", {4 * any_number(1, 6) + 2, {}}, {3, 3});
  }));
  CHECK(rc::check("tree of whole switches", [] {
    const std::uint32_t each = any_number(1, 5), switches = any_number(1, 6);
    const std::vector<int> capacities = {static_cast<int>(any_number(1, 9)), static_cast<int>(any_number(1, 9))};
    check_against_flow("pcie_tree", {each * 2 * switches, {each}}, capacities);
  }));
  CHECK(rc::check("torus whose last side is even and the longest", [] {
    const std::uint32_t x = any_number(1, 3), y = any_number(1, 4), z = 2 * any_number(2, 3);
    check_against_flow("torus", {x * y * z, {x, y, z, any_number(0, 1)}}, {3});
  }));
  CHECK(rc::check("dragonfly with an even number of groups, and routers that share plenty", [] {
    const std::uint32_t groups = 2 * any_number(1, 3), routers = any_number(1, 4), ports = any_number(1, 3);
    check_against_flow("dragonfly", {groups * routers * ports, {groups, routers, ports}}, {3, 1000, 2});
  }));
}

TEST_CASE("on a torus a message goes direction by direction, the shorter way round, and up where both are as long") {
  const Shape shape{16, {4, 4, 1, 1}};  // cables along x: 4 a row, 0 to 15; along y: 4 a column, 16 to 31

  CHECK(cables("torus", shape, 0, 5) == std::vector<std::uint32_t>{0, 20});     // x to 1, then up column 1
  CHECK(cables("torus", shape, 0, 3) == std::vector<std::uint32_t>{3});         // round the back of row 0
  CHECK(cables("torus", shape, 0, 2) == std::vector<std::uint32_t>{0, 1});      // two either way: up
  CHECK(cables("torus", shape, 2, 0) == std::vector<std::uint32_t>{2, 3});      // and up again on the way back
}

TEST_CASE("on a ladder a message follows its rail and then crosses a rung") {
  const Shape shape{6, {}};  // rungs 0 to 2; rails: 3 and 4 from rung 0, 5 and 6 from rung 1

  CHECK(cables("ipu_ladder", shape, 0, 5) == std::vector<std::uint32_t>{3, 5, 2});
  CHECK(cables("ipu_ladder", shape, 5, 0) == std::vector<std::uint32_t>{6, 4, 0});
}

TEST_CASE("a fat tree spreads destinations over the ways up, and one destination has one way from each leaf") {
  const Shape shape{8, {2, 4, 1}};  // leaves of two ends, two ways up each: cables 8 to 15

  CHECK(cables("fat_tree", shape, 0, 4) == std::vector<std::uint32_t>{0, 8, 12, 4});
  CHECK(cables("fat_tree", shape, 1, 4) == std::vector<std::uint32_t>{1, 8, 12, 4});
  CHECK(cables("fat_tree", shape, 0, 5) == std::vector<std::uint32_t>{0, 9, 13, 5});
  CHECK(cables("fat_tree", shape, 0, 1) == std::vector<std::uint32_t>{0, 1});
}

TEST_CASE("a fat tree of three levels sends the destinations of a subtree over as many ways as it has") {
  const Shape shape{16, {3, 4, 1}};  // subtrees of four ends, two switches and four ways up

  std::set<std::uint32_t> ways;
  for (const std::uint32_t to : {8, 9, 10, 11}) ways.insert(cables("fat_tree", shape, 0, to).at(2));

  CHECK(ways.size() == 4);
}

TEST_CASE("a dragonfly goes over one global cable at most, by the two routers that have it") {
  const Shape shape{12, {3, 2, 2}};  // ports 0 to 11; local 12 to 14; global 15 (0-1), 16 (0-2), 17 (1-2)

  CHECK(cables("dragonfly", shape, 0, 2) == std::vector<std::uint32_t>{0, 12, 2});       // routers 0 and 1
  CHECK(cables("dragonfly", shape, 0, 4) == std::vector<std::uint32_t>{0, 15, 4});       // the routers with 0-1
  CHECK(cables("dragonfly", shape, 0, 10) == std::vector<std::uint32_t>{0, 12, 16, 14, 10});
}
