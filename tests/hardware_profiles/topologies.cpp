// What holds for every row of the table of topologies, at random sizes.
#include "hardware_profiles/topology.hpp"

#include <algorithm>
#include <set>
#include <tuple>

#include "hardware_profiles/pairs.hpp"
#include "tests/catch.hpp"
#include "tests/hardware_profiles/shapes.hpp"

using namespace tandem;

namespace {

/// Where a message stands after the hop; nothing when the cable is not at hand.
std::optional<std::uint32_t> after(const Cable& cable, const Hop& hop, std::uint32_t at, std::uint32_t target) {
  if (cable.bus) return target;
  if (at != (hop.back ? cable.b : cable.a)) return std::nullopt;
  return hop.back ? cable.a : cable.b;
}

void check_route(const Topology& topology, const Shape& shape, std::uint32_t from, std::uint32_t to) {
  std::uint32_t at = from;
  std::set<std::uint32_t> taken;
  for (const Hop& hop : route_of(topology, shape, from, to)) {
    RC_ASSERT(hop.cable < topology.cable_count(shape));
    RC_ASSERT(taken.insert(hop.cable).second);
    const auto next = after(topology.cable(shape, hop.cable), hop, at, to);
    RC_ASSERT(next.has_value());
    at = *next;
  }
  RC_ASSERT(at == to);
}

/// Calls `check` with each ordered pair of different ends.
template <class Check>
void for_each_pair(const Shape& shape, Check check) {
  for (std::uint32_t from = 0; from < shape.ends; ++from)
    for (std::uint32_t to = 0; to < shape.ends; ++to)
      if (from != to) check(from, to);
}

std::size_t longest_route(const Topology& topology, const Shape& shape) {
  std::size_t longest = 0;
  for_each_pair(shape, [&](std::uint32_t from, std::uint32_t to) {
    longest = std::max(longest, route_of(topology, shape, from, to).size());
  });
  return longest;
}

/// Are all of the shape's places taken?
bool is_full(const Topology& topology, const Shape& shape) {
  return topology.misfit({shape.ends + 1, shape.parameters}).has_value();
}

}  // namespace

TEST_CASE("the rows of the table of topologies have names of their own, a meaning and a source") {
  std::set<std::string_view> names;
  for (const Topology* topology : topologies()) {
    CHECK(names.insert(topology->name).second);
    CHECK(find_topology(topology->name) == topology);
    CHECK(topology->meaning.size() > 10);
    CHECK(topology->source.size() > 10);
    CHECK_FALSE(topology->kinds.empty());
  }
  CHECK(find_topology("torus_2d") == nullptr);
}

TEST_CASE("between all ends of every topology there is a connected route that takes no cable twice") {
  for (const Topology* topology : topologies())
    CHECK(rc::check(std::string(topology->name), [&] {
      const Shape shape = any_shape(*topology);
      RC_ASSERT(!topology->misfit(shape));
      for_each_pair(shape, [&](auto from, auto to) { check_route(*topology, shape, from, to); });
    }));
}

TEST_CASE("the way back has as many hops as the way there in every topology") {
  for (const Topology* topology : topologies())
    CHECK(rc::check(std::string(topology->name), [&] {
      const Shape shape = any_shape(*topology);
      for_each_pair(shape, [&](auto from, auto to) {
        RC_ASSERT(route_of(*topology, shape, from, to).size() == route_of(*topology, shape, to, from).size());
      });
    }));
}

TEST_CASE("no route is longer than the diameter, and where all places are taken one is as long") {
  for (const Topology* topology : topologies())
    CHECK(rc::check(std::string(topology->name), [&] {
      const Shape shape = any_shape(*topology);
      const std::size_t longest = longest_route(*topology, shape);
      RC_ASSERT(longest <= topology->diameter(shape));
      const bool any_size_fits = topology->parameters.empty() || topology->name == "pcie_tree";
      if (any_size_fits || is_full(*topology, shape)) RC_ASSERT(longest == topology->diameter(shape));
    }));
}

TEST_CASE("cables are numbered one by one, and join vertices that are not the same") {
  for (const Topology* topology : topologies())
    CHECK(rc::check(std::string(topology->name), [&] {
      const Shape shape = any_shape(*topology);
      std::set<std::tuple<std::uint32_t, std::uint32_t>> ends;
      for (std::uint32_t at = 0; at < topology->cable_count(shape); ++at) {
        const Cable cable = topology->cable(shape, at);
        RC_ASSERT(cable.kind < topology->kinds.size());
        RC_ASSERT(cable.bus || cable.a != cable.b);
        RC_ASSERT(ends.insert(std::minmax(cable.a, cable.b)).second);
      }
    }));
}

TEST_CASE("the way out of a node is a connected route that ends at the same place for all of its devices") {
  for (const Topology* topology : topologies()) {
    if (!topology->leave) continue;
    CHECK(rc::check(std::string(topology->name), [&] {
      const Shape shape = any_shape(*topology);
      std::set<std::uint32_t> exits;
      for (std::uint32_t device = 0; device < shape.ends; ++device) {
        Hops hops;
        topology->leave(shape, device, hops);
        std::optional<std::uint32_t> at = device;
        for (const Hop& hop : hops)
          if (at) at = after(topology->cable(shape, hop.cable), hop, *at, 0);
        RC_ASSERT(at.has_value());
        exits.insert(*at);
      }
      RC_ASSERT(exits.size() == 1U);
    }));
  }
}

TEST_CASE("pairs are numbered without gaps, at every size that has ids") {
  std::uint64_t index = 0;
  for (std::uint32_t low = 0; low < 50; ++low)
    for (std::uint32_t high = low + 1; high < 50; ++high, ++index) {
      CHECK(pair_index({high, low}, 50) == index);
      CHECK(pair_at(index, 50) == Pair{low, high});
    }
  CHECK(index == pair_count(50));
  constexpr std::uint32_t kMany = 4'000'000'000;  // beyond what a root in double precision can tell apart
  for (const std::uint32_t low : {0U, 1U, 1'999'999'999U, 3'999'999'990U}) {
    CHECK(pair_at(pair_index({low, low + 1}, kMany), kMany) == Pair{low, low + 1});
    CHECK(pair_at(pair_index({low, kMany - 1}, kMany), kMany) == Pair{low, kMany - 1});
  }
  CHECK(rc::check("large sizes", [] {
    const std::uint32_t things = any_number(2, 1'000'000);
    const std::uint32_t low = any_number(0, things - 2), high = any_number(low + 1, things - 1);
    RC_ASSERT((pair_at(pair_index({low, high}, things), things) == Pair{low, high}));
  }));
}
