// A cable of its own between each pair of devices.

#include "hardware_profiles/pairs.hpp"
#include "hardware_profiles/topologies/rows.hpp"

namespace tandem {
namespace {

constexpr std::string_view kKinds[] = {"cable"};

Cable cable_of_pair(const Shape& shape, std::uint32_t cable) {
  const auto [low, high] = pair_at(cable, shape.ends);
  return {low, high, 0};
}

void straight(const Shape& shape, std::uint32_t from, std::uint32_t to, Hops& hops) {
  hops.push_back({static_cast<std::uint32_t>(pair_index({from, to}, shape.ends)), from > to});
}

BytesPerSecond pairs_across(const Shape& shape, std::span<const Link> kinds) {
  const std::uint64_t half = shape.ends / 2;
  return kinds[0].bandwidth * static_cast<double>(half * (shape.ends - half));
}

}  // namespace

constinit const Topology kNvlinkMesh = {
    .name = "nvlink_mesh",
    .meaning = "a cable of its own between each pair of devices",
    .source = "all-to-all NVLink, as in a DGX Station: NVIDIA, \"DGX Station A100 Architecture\", white paper, 2020",
    .parameters = {},
    .kinds = kKinds,
    .misfit = [](const Shape&) -> std::optional<Misfit> { return std::nullopt; },
    .cable_count = [](const Shape& shape) { return pair_count(shape.ends); },
    .cable = cable_of_pair,
    .route = straight,
    .leave = nullptr,
    .diameter = [](const Shape&) -> std::uint32_t { return 1; },
    .bisection = pairs_across};

}  // namespace tandem
