// Two rails with a rung between each pair: devices 0 and 1 share the first rung, 2 and 3 the second, and so on.

#include <algorithm>

#include <fmt/format.h>

#include "hardware_profiles/topologies/rows.hpp"

namespace tandem {
namespace {

constexpr std::string_view kKinds[] = {"rung", "rail"};

std::uint32_t rungs(const Shape& shape) { return shape.ends / 2; }
/// Of the rail on `side`, from rung `rung` to the next.
std::uint32_t rail_cable(const Shape& shape, std::uint32_t side, std::uint32_t rung) {
  return rungs(shape) + 2 * rung + side;
}

Cable cable_of(const Shape& shape, std::uint32_t cable) {
  if (cable < rungs(shape)) return {2 * cable, 2 * cable + 1, 0};
  const std::uint32_t lower = cable - rungs(shape);
  return {lower, lower + 2, 1};
}

/// Along the sender's rail, then across the receiver's rung.
void rail_then_rung(const Shape& shape, std::uint32_t from, std::uint32_t to, Hops& hops) {
  const std::uint32_t side = from % 2, target = to / 2;
  for (std::uint32_t rung = from / 2; rung < target; ++rung) hops.push_back({rail_cable(shape, side, rung), false});
  for (std::uint32_t rung = from / 2; rung > target; --rung) hops.push_back({rail_cable(shape, side, rung - 1), true});
  if (side != to % 2) hops.push_back({target, side == 1});
}

/// The cheaper of two cuts: across both rails (and, of an odd number of rungs, the middle one), or along all rungs.
BytesPerSecond across_or_along(const Shape& shape, std::span<const Link> kinds) {
  const BytesPerSecond along = kinds[0].bandwidth * rungs(shape);
  if (rungs(shape) == 1) return along;
  return std::min(along, kinds[1].bandwidth * 2 + kinds[0].bandwidth * (rungs(shape) % 2));
}

std::optional<Misfit> needs_pairs(const Shape& shape) {
  if (shape.ends % 2 == 0) return std::nullopt;
  return Misfit{"a ladder has two devices to a rung", std::to_string(shape.ends), "an even number of devices"};
}

}  // namespace

constinit const Topology kIpuLadder = {
    .name = "ipu_ladder",
    .meaning = "two rails of devices with a rung between each pair",
    .source = "Jia, Tillman, Maggioni, Scarpazza, \"Dissecting the Graphcore IPU Architecture via Microbenchmarking\", "
              "arXiv:1912.03413",
    .parameters = {},
    .kinds = kKinds,
    .misfit = needs_pairs,
    .cable_count = [](const Shape& shape) -> std::uint64_t { return 3ULL * rungs(shape) - 2; },
    .cable = cable_of,
    .route = rail_then_rung,
    .leave = nullptr,
    .diameter = [](const Shape& shape) { return rungs(shape); },
    .bisection = across_or_along};

}  // namespace tandem
