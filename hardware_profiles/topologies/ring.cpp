// Each end is joined to the next, and the last to the first.

#include "hardware_profiles/topologies/grid.hpp"
#include "hardware_profiles/topologies/rows.hpp"

namespace tandem {
namespace {

constexpr std::string_view kKinds[] = {"cable"};

Grid ring(const Shape& shape) { return {{shape.ends, 1, 1}, true}; }

void shorter_way(const Shape& shape, std::uint32_t from, std::uint32_t to, Hops& hops) {
  ring(shape).route(from, to, hops);
}

BytesPerSecond two_cables(const Shape& shape, std::span<const Link> kinds) {
  return kinds[0].bandwidth * static_cast<double>(ring(shape).cables_across());
}

}  // namespace

constinit const Topology kRing = {
    .name = "ring",
    .meaning = "each device joined to the next, the last to the first",
    .source = "Dally and Towles, \"Principles and Practices of Interconnection Networks\", 2004, chapter 5",
    .parameters = {},
    .kinds = kKinds,
    .misfit = [](const Shape&) -> std::optional<Misfit> { return std::nullopt; },
    .cable_count = [](const Shape& shape) { return ring(shape).cable_count(); },
    .cable = [](const Shape& shape, std::uint32_t cable) { return ring(shape).cable(cable); },
    .route = shorter_way,
    .leave = nullptr,
    .diameter = [](const Shape& shape) { return ring(shape).diameter(); },
    .bisection = two_cables};

}  // namespace tandem
