// One switch that never blocks: each end has one port, up and down. Inside a node it is called nvswitch.

#include "hardware_profiles/topologies/rows.hpp"

namespace tandem {
namespace {

constexpr std::string_view kKinds[] = {"port"};

Cable port(const Shape& shape, std::uint32_t cable) { return {cable, shape.ends, 0}; }

void up_and_down(const Shape&, std::uint32_t from, std::uint32_t to, Hops& hops) {
  hops.push_back({from, false});
  hops.push_back({to, true});
}

BytesPerSecond half_the_ports(const Shape& shape, std::span<const Link> kinds) {
  return kinds[0].bandwidth * (shape.ends / 2);
}

constexpr Topology star(std::string_view name, std::string_view meaning, std::string_view source) {
  return {.name = name,
          .meaning = meaning,
          .source = source,
          .parameters = {},
          .kinds = kKinds,
          .misfit = [](const Shape&) -> std::optional<Misfit> { return std::nullopt; },
          .cable_count = [](const Shape& shape) -> std::uint64_t { return shape.ends; },
          .cable = port,
          .route = up_and_down,
          .leave = nullptr,
          .diameter = [](const Shape&) -> std::uint32_t { return 2; },
          .bisection = half_the_ports};
}

}  // namespace

constinit const Topology kNvswitch =
    star("nvswitch", "each device one port, up and down, on switches that never block",
         "NVIDIA, \"NVIDIA NVSwitch: The World's Highest-Bandwidth On-Node Switch\", white paper, 2018");
constinit const Topology kSwitch = star("switch", "one switch that never blocks, with a port for each NIC",
                                        "the crossbar: Dally and Towles, \"Principles and Practices of "
                                        "Interconnection Networks\", 2004, chapter 6");

}  // namespace tandem
