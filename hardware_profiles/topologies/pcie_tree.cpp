// Switches of a few devices each below one root, which also leads out of the node. A switch's cable to the root is
// shared by its devices.

#include <algorithm>

#include "hardware_profiles/topologies/rows.hpp"

namespace tandem {
namespace {

constexpr std::string_view kKinds[] = {"port", "root"};
constexpr TopologyParameter kParameters[] = {{"devices_per_switch", "devices that share a switch", 1, 1'000'000}};

std::uint32_t per_switch(const Shape& shape) { return static_cast<std::uint32_t>(shape.parameters[0]); }
std::uint32_t switches(const Shape& shape) { return (shape.ends + per_switch(shape) - 1) / per_switch(shape); }
/// The cable from a device's switch to the root.
std::uint32_t root_cable(const Shape& shape, std::uint32_t device) { return shape.ends + device / per_switch(shape); }

Cable cable_of(const Shape& shape, std::uint32_t cable) {
  if (cable < shape.ends) return {cable, shape.ends + cable / per_switch(shape), 0};
  return {cable, shape.ends + switches(shape), 1};
}

void climb(const Shape& shape, std::uint32_t from, Hops& hops) {
  hops.push_back({from, false});
  hops.push_back({root_cable(shape, from), false});
}

void over_switch_or_root(const Shape& shape, std::uint32_t from, std::uint32_t to, Hops& hops) {
  hops.push_back({from, false});
  if (root_cable(shape, from) != root_cable(shape, to)) {
    hops.push_back({root_cable(shape, from), false});
    hops.push_back({root_cable(shape, to), true});
  }
  hops.push_back({to, true});
}

/// Half of the switches send over their root cables, and of an odd one the first half of its devices to the other.
BytesPerSecond half_the_switches(const Shape& shape, std::span<const Link> kinds) {
  const std::uint32_t count = switches(shape);
  const BytesPerSecond ports = kinds[0].bandwidth * (shape.ends / 2);
  if (count == 1) return ports;
  const std::uint32_t devices_of_odd = count % 2 == 1 ? per_switch(shape) / 2 : 0;
  return std::min(ports, kinds[1].bandwidth * (count / 2) + kinds[0].bandwidth * devices_of_odd);
}

}  // namespace

constinit const Topology kPcieTree = {
    .name = "pcie_tree",
    .meaning = "switches of some devices each, below one shared root",
    .source = "PCI-SIG, \"PCI Express Base Specification\", section 1.3: root complex, switches, endpoints",
    .parameters = kParameters,
    .kinds = kKinds,
    .misfit = [](const Shape&) -> std::optional<Misfit> { return std::nullopt; },
    .cable_count = [](const Shape& shape) -> std::uint64_t { return shape.ends + switches(shape); },
    .cable = cable_of,
    .route = over_switch_or_root,
    .leave = climb,
    .diameter = [](const Shape& shape) -> std::uint32_t { return switches(shape) == 1 ? 2 : 4; },
    .bisection = half_the_switches};

}  // namespace tandem
