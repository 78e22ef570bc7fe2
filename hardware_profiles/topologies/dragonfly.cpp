// Groups of routers, all joined within a group; one cable between each pair of groups. Minimal routing.

#include <fmt/format.h>

#include <algorithm>

#include "hardware_profiles/pairs.hpp"
#include "hardware_profiles/topologies/rows.hpp"

namespace tandem {
namespace {

constexpr std::string_view kKinds[] = {"port", "local", "global"};
constexpr TopologyParameter kParameters[] = {{"groups", "groups of routers", 1, 4096},
                                             {"routers", "routers of a group", 1, 4096},
                                             {"ports", "ends of a router", 1, 4096}};

struct Dragonfly {
  explicit Dragonfly(const Shape& shape)
      : ends(shape.ends),
        groups(static_cast<std::uint32_t>(shape.parameters[0])),
        routers(static_cast<std::uint32_t>(shape.parameters[1])),
        ports(static_cast<std::uint32_t>(shape.parameters[2])) {}

  std::uint32_t ends, groups, routers, ports;

  std::uint64_t places() const { return std::uint64_t{groups} * routers * ports; }
  std::uint64_t local_cables() const { return groups * pair_count(routers); }
  std::uint64_t cables() const { return ends + local_cables() + pair_count(groups); }
  std::uint32_t router_of(std::uint32_t end) const { return end / ports; }
  /// The router of `group` with the cable to `other`: its groups' other groups, in order, are shared out evenly.
  std::uint32_t gateway(std::uint32_t group, std::uint32_t other) const {
    const std::uint32_t per_router = (groups - 1 + routers - 1) / routers;
    return group * routers + (other < group ? other : other - 1) / per_router;
  }
};

/// Between two routers of one group.
void add_local(const Dragonfly& fly, std::uint32_t from, std::uint32_t to, Hops& hops) {
  if (from == to) return;
  const std::uint64_t pair = pair_index({from % fly.routers, to % fly.routers}, fly.routers);
  const std::uint64_t cable = fly.ends + from / fly.routers * pair_count(fly.routers) + pair;
  hops.push_back({static_cast<std::uint32_t>(cable), from > to});
}

void minimal(const Shape& shape, std::uint32_t from, std::uint32_t to, Hops& hops) {
  const Dragonfly fly(shape);
  const std::uint32_t source = fly.router_of(from), target = fly.router_of(to);
  const std::uint32_t group = source / fly.routers, other = target / fly.routers;
  hops.push_back({from, false});
  if (group == other) {
    add_local(fly, source, target, hops);
  } else {
    const std::uint64_t cable = fly.ends + fly.local_cables() + pair_index({group, other}, fly.groups);
    add_local(fly, source, fly.gateway(group, other), hops);
    hops.push_back({static_cast<std::uint32_t>(cable), group > other});
    add_local(fly, fly.gateway(other, group), target, hops);
  }
  hops.push_back({to, true});
}

Cable cable_of(const Shape& shape, std::uint32_t cable) {
  const Dragonfly fly(shape);
  if (cable < fly.ends) return {cable, fly.ends + fly.router_of(cable), 0};
  const std::uint64_t local = cable - fly.ends;
  if (local >= fly.local_cables()) {
    const auto [low, high] = pair_at(local - fly.local_cables(), fly.groups);
    return {fly.ends + fly.gateway(low, high), fly.ends + fly.gateway(high, low), 2};
  }
  const auto group = static_cast<std::uint32_t>(local / pair_count(fly.routers));
  const auto [low, high] = pair_at(local % pair_count(fly.routers), fly.routers);
  const std::uint32_t first = fly.ends + group * fly.routers;
  return {first + low, first + high, 1};
}

std::optional<Misfit> misfit(const Shape& shape) {
  const Dragonfly fly(shape);
  if (fly.places() >= fly.ends) return std::nullopt;
  return Misfit{fmt::format("a dragonfly of {} groups of {} routers with {} ports each has too few ports", fly.groups,
                            fly.routers, fly.ports),
                std::to_string(fly.ends), fmt::format("at most {}", fly.places())};
}

std::uint32_t longest(const Shape& shape) {
  const Dragonfly fly(shape);
  const std::uint32_t local = fly.routers > 1 ? 1 : 0;
  return fly.groups == 1 ? 2 + local : 3 + 2 * local;
}

/// Between two halves of the groups, or of one group's routers.
BytesPerSecond cables_across(const Shape& shape, std::span<const Link> kinds) {
  const Dragonfly fly(shape);
  const bool one = fly.groups == 1;
  const std::uint64_t parts = one ? fly.routers : fly.groups, half = parts / 2;
  const BytesPerSecond ports = kinds[0].bandwidth * (fly.ends / 2);
  if (parts == 1) return ports;
  return std::min(ports, kinds[one ? 1 : 2].bandwidth * static_cast<double>(half * (parts - half)));
}

}  // namespace

constinit const Topology kDragonfly = {
    .name = "dragonfly",
    .meaning = "groups of routers, one cable between each pair of groups",
    .source = "Kim, Dally, Scott, Abts, \"Technology-Driven, Highly-Scalable Dragonfly Topology\", ISCA 2008",
    .parameters = kParameters,
    .kinds = kKinds,
    .misfit = misfit,
    .cable_count = [](const Shape& shape) { return Dragonfly(shape).cables(); },
    .cable = cable_of,
    .route = minimal,
    .leave = nullptr,
    .diameter = longest,
    .bisection = cables_across};

}  // namespace tandem
