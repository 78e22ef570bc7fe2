// Rings in two or three directions, routed in the order of the directions.

#include <fmt/format.h>

#include "hardware_profiles/topologies/grid.hpp"
#include "hardware_profiles/topologies/rows.hpp"

namespace tandem {
namespace {

constexpr std::string_view kKinds[] = {"cable"};
constexpr std::int64_t kLongestSide = 1'000'000;
constexpr TopologyParameter kParameters[] = {{"x", "devices in the first direction", 1, kLongestSide},
                                             {"y", "devices in the second direction", 1, kLongestSide},
                                             {"z", "devices in the third direction", 1, kLongestSide, 1},
                                             {"wrap", "1: the last is joined to the first; 0: a mesh", 0, 1, 1}};

Grid torus(const Shape& shape) {
  const auto side = [&](std::size_t index) { return static_cast<std::uint32_t>(shape.parameters[index]); };
  return {{side(0), side(1), side(2)}, shape.parameters[3] == 1};
}

std::optional<Misfit> needs_all_places(const Shape& shape) {
  const auto& sides = shape.parameters;
  std::int64_t places = 0;
  const bool counted = !__builtin_mul_overflow(sides[0], sides[1], &places) &&
                       !__builtin_mul_overflow(places, sides[2], &places);
  if (counted && places == shape.ends) return std::nullopt;
  return Misfit{"x times y times z of a torus is its number of devices",
                fmt::format("{} x {} x {}", sides[0], sides[1], sides[2]), std::to_string(shape.ends)};
}

void direction_by_direction(const Shape& shape, std::uint32_t from, std::uint32_t to, Hops& hops) {
  torus(shape).route(from, to, hops);
}

BytesPerSecond across_the_longest(const Shape& shape, std::span<const Link> kinds) {
  return kinds[0].bandwidth * static_cast<double>(torus(shape).cables_across());
}

}  // namespace

constinit const Topology kTorus = {
    .name = "torus",
    .meaning = "rings in two or three directions",
    .source = "Dally and Towles, \"Principles and Practices of Interconnection Networks\", 2004, chapters 5 and 8",
    .parameters = kParameters,
    .kinds = kKinds,
    .misfit = needs_all_places,
    .cable_count = [](const Shape& shape) { return torus(shape).cable_count(); },
    .cable = [](const Shape& shape, std::uint32_t cable) { return torus(shape).cable(cable); },
    .route = direction_by_direction,
    .leave = nullptr,
    .diameter = [](const Shape& shape) { return torus(shape).diameter(); },
    .bisection = across_the_longest};

}  // namespace tandem
