// The network of a cluster. Ids of links: one within each device, then those of the network of nodes. Where there is
// none, then two for each pair (low, high): from the lower device to the higher and back; a half-duplex link has the
// first for both.

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "hardware_profiles/cluster.hpp"
#include "hardware_profiles/pairs.hpp"

namespace tandem {
namespace {

Route route_over(const Link& link, std::uint64_t id) {
  return {{static_cast<NetworkLinkId>(id)}, link.latency, link.bandwidth};
}

/// Behind the links within devices.
Route shifted(Route route, std::size_t devices) {
  for (NetworkLinkId& id : route.links)
    id = static_cast<NetworkLinkId>(index_of(id) + static_cast<std::uint32_t>(devices));
  return route;
}

}  // namespace

Route Cluster::route(DeviceId from, DeviceId to) const {
  if (from != to && nodes) return shifted(nodes->route(from, to), device_count());
  const Link& link = links[link_between(from, to)];
  if (from == to) return route_over(link, index_of(from));
  const std::uint64_t pair = pair_index({index_of(from), index_of(to)}, devices.size());
  const std::uint64_t id = devices.size() + 2 * pair + (link.full_duplex && from > to ? 1 : 0);
  if (network_link_count() > std::numeric_limits<std::uint32_t>::max())
    throw InputError(fmt::format("cluster \"{}\" has too many devices for a link between each pair of them", name),
                     std::to_string(devices.size()), "at most 65535");
  return route_over(link, id);
}

NetworkLink Cluster::network_link(NetworkLinkId id) const {
  invariant(index_of(id) < network_link_count(), "a link of the cluster");
  const std::uint64_t count = devices.size();
  if (index_of(id) < count) {
    const Link& link = links[link_between(DeviceId{index_of(id)}, DeviceId{index_of(id)})];
    return {fmt::format("{} in device {}", link.name, index_of(id)), link.bandwidth, link.latency};
  }
  if (nodes) return nodes->link(static_cast<NetworkLinkId>(index_of(id) - count));
  auto [low, high] = pair_at((index_of(id) - count) / 2, count);
  const Link& link = links[link_between(DeviceId{low}, DeviceId{high})];
  if ((index_of(id) - count) % 2 == 1) std::swap(low, high);
  return {fmt::format("{} {} {} {}", link.name, low, link.full_duplex ? "to" : "and", high), link.bandwidth,
          link.latency};
}

std::uint64_t Cluster::network_link_count() const {
  return devices.size() + (nodes ? nodes->link_count() : 2 * pair_count(devices.size()));
}

BytesPerSecond Cluster::bisection() const {
  if (nodes) return nodes->bisection();
  const std::size_t half = devices.size() / 2;
  double pairs = static_cast<double>(half) * static_cast<double>(devices.size() - half);
  BytesPerSecond total;
  for (const Wire& wire : wires) {
    if ((index_of(wire.a) < half) == (index_of(wire.b) < half)) continue;
    total += links[wire.link].bandwidth;
    pairs -= 1;
  }
  if (all_connected && half > 0) total += links[default_link].bandwidth * pairs;
  return total;
}

}  // namespace tandem
