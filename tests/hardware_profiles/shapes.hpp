#pragma once
// Random sizes of each topology.

#include <rapidcheck.h>

#include <map>
#include <string_view>

#include "hardware_profiles/topology.hpp"

namespace tandem {

inline std::uint32_t any_number(std::uint32_t low, std::uint32_t high) {
  return *rc::gen::inRange<std::uint32_t>(low, high + 1);
}

inline Shape any_ends(std::uint32_t low = 2) { return {any_number(low, 40), {}}; }
inline Shape any_pcie_tree() { return {any_number(2, 24), {any_number(1, 6)}}; }
inline Shape any_ladder() { return {2 * any_number(1, 12), {}}; }

inline Shape any_torus() {
  const std::uint32_t x = any_number(1, 5), y = any_number(2, 5), z = any_number(1, 5);
  return {x * y * z, {x, y, z, any_number(0, 1)}};
}

inline Shape any_fat_tree() {
  const std::uint32_t levels = any_number(1, 4), share = any_number(2, 4);
  const std::uint32_t radix = levels == 4 ? share * 2 : share * 2 * any_number(1, 2);
  Shape shape{2, {levels, radix, share - 1}};
  shape.ends = any_number(2, 60);
  while (find_topology("fat_tree")->misfit(shape)) --shape.ends;
  return shape;
}

inline Shape any_dragonfly() {
  const std::uint32_t groups = any_number(1, 6), routers = any_number(1, 4), ports = any_number(2, 3);
  return {any_number(2, groups * routers * ports), {groups, routers, ports}};
}

/// A topology without a row here fails the tests that ask for all of them.
inline Shape any_shape(const Topology& topology) {
  static const std::map<std::string_view, Shape (*)()> kGenerators = {
      {"shared_memory", [] { return any_ends(); }}, {"pcie_tree", any_pcie_tree},
      {"nvlink_mesh", [] { return any_ends(); }},   {"nvswitch", [] { return any_ends(); }},
      {"ring", [] { return any_ends(); }},          {"torus", any_torus},
      {"ipu_ladder", any_ladder},                   {"switch", [] { return any_ends(); }},
      {"fat_tree", any_fat_tree},                   {"dragonfly", any_dragonfly}};
  return kGenerators.at(topology.name)();
}

inline Hops route_of(const Topology& topology, const Shape& shape, std::uint32_t from, std::uint32_t to) {
  Hops hops;
  topology.route(shape, from, to, hops);
  return hops;
}

}  // namespace tandem
