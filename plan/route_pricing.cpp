#include "plan/route_pricing.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.hpp"

namespace tandem {
namespace {

/// Memory accesses of a value that is added over those of one that is copied: two reads and a write, a read and a
/// write.
constexpr double kAddingOverCopying = 3.0 / 2.0;

/// The slower of two, each by its own measure.
MessageCost slower(const MessageCost& a, const MessageCost& b) {
  return {std::max(a.latency, b.latency), std::min(a.bandwidth, b.bandwidth)};
}

}  // namespace

std::uint32_t RoutePricing::cores_of(DeviceId device) {
  const auto [at, is_new] = cores_.emplace(device, prices_.resources.size());
  if (!is_new) return at->second;
  const Device& profile = cluster_.device(device);
  std::vector<double> slowdown;
  if (!profile.concurrency.points.empty())
    for (std::size_t n = 0; n <= 2 * program_.workers().size(); ++n)
      slowdown.push_back(profile.concurrency.at(std::max<std::int64_t>(1, static_cast<std::int64_t>(n))));
  const Picoseconds turn = to_picoseconds(profile.concurrency.turn);
  prices_.resources.push_back({fmt::format("cores of device {}", index_of(device)), profile.cores, std::move(slowdown),
                               wake_of(device), turn, std::min(turn, SharedResource{}.slice)});
  return at->second;
}

std::uint32_t RoutePricing::link(NetworkLinkId id) {
  const auto [at, is_new] = links_.emplace(id, prices_.link_bytes_per_second.size());
  if (is_new) prices_.link_bytes_per_second.push_back(cluster_.network_link(id).bandwidth.value);
  return at->second;
}

/// With more threads than cores who waits sleeps: what a message then takes beyond its latency.
Picoseconds RoutePricing::wake_of(DeviceId device) const {
  const Link& link = cluster_.links[cluster_.link_between(device, device)];
  const auto here = [device](const Worker& worker) { return worker.device == device; };
  if (std::ranges::count_if(program_.workers(), here) <= cluster_.device(device).cores) return {};
  return to_picoseconds(std::max(Seconds{0}, link.wake_latency - link.latency));
}

/// Between threads of one host a message is a copy by a core of it.
RoutePrice RoutePricing::within(DeviceId device) {
  const Link& link = cluster_.links[cluster_.link_between(device, device)];
  return {to_picoseconds(link.latency), link.bandwidth.value, cores_of(device), 0, 0, kAddingOverCopying};
}

RoutePrice RoutePricing::price_of(DeviceId from, DeviceId to) {
  if (from == to && cluster_.device(from).shares_cores) return within(from);
  const Route route = cluster_.route(from, to);
  RoutePrice price{to_picoseconds(route.latency), route.bandwidth.value};
  if (from == to) price.adding = kAddingOverCopying;
  if (mode_ == NetworkMode::analytic) return price;
  price.first_link = static_cast<std::uint32_t>(prices_.route_links.size());
  price.link_count = static_cast<std::uint32_t>(route.links.size());
  for (const NetworkLinkId id : route.links) prices_.route_links.push_back(link(id));
  return price;
}

std::uint32_t RoutePricing::route(WorkerId from, WorkerId to) {
  const DeviceId source = program_.workers()[index_of(from)].device, target = program_.workers()[index_of(to)].device;
  const auto [at, is_new] = routes_.emplace(std::pair(source, target), prices_.routes.size());
  if (is_new) prices_.routes.push_back(price_of(source, target));
  return at->second;
}

void RoutePricing::add_channel(const Channel& channel) {
  const std::uint32_t over = route(channel.from, channel.to);
  prices_.channels.push_back(
      {over, to_picoseconds(channel.bytes / BytesPerSecond{prices_.routes[over].bytes_per_second})});
}

std::uint32_t host_root(const Cluster& cluster, DeviceId device, std::int64_t sharers) {
  const auto before = cluster.devices.begin() + index_of(device);
  const auto alike = std::count(cluster.devices.begin(), before, cluster.devices[index_of(device)]);
  return static_cast<std::uint32_t>(alike / sharers);
}

std::uint32_t RoutePricing::host_of(DeviceId device) {
  const Device& profile = cluster_.device(device);
  if (profile.shares_cores) return cores_of(device);
  if (!profile.host)
    throw InputError(fmt::format("device {}: nothing can be updated on its host, whose cores are unknown", profile.name),
                     "no `host:`", "one in the device's file");
  const std::uint32_t root = host_root(cluster_, device, profile.host->sharers);
  const std::pair key(cluster_.devices[index_of(device)], root);
  const auto [at, is_new] = servers_.emplace(key, prices_.resources.size());
  if (is_new) prices_.resources.push_back({fmt::format("host {} of {}", root, profile.name)});
  return at->second;
}

/// On a host both ends are its memory, and a core copies. A half-duplex link has one bandwidth for both directions.
RoutePrice RoutePricing::to_host(DeviceId device, StepKind kind) {
  const Device& profile = cluster_.device(device);
  if (profile.shares_cores) {
    RoutePrice price = within(device);
    price.adding = 1;
    return price;
  }
  if (!profile.host_link)
    throw InputError(fmt::format("device {}: nothing can be offloaded, as its way to the host is unknown",
                                 profile.name),
                     "no `host_link:`", "one in the device's file");
  const Link& link = *profile.host_link;
  RoutePrice price{to_picoseconds(link.latency), link.bandwidth.value};
  if (mode_ == NetworkMode::analytic) return price;
  const StepKind direction = link.full_duplex ? kind : StepKind::copy_out;
  const std::tuple key(cluster_.devices[index_of(device)], host_root(cluster_, device, profile.host_link_sharers), direction);
  const auto [at, is_new] = host_links_.emplace(key, prices_.link_bytes_per_second.size());
  if (is_new) prices_.link_bytes_per_second.push_back(link.bandwidth.value);
  price.first_link = static_cast<std::uint32_t>(prices_.route_links.size());
  price.link_count = 1;
  prices_.route_links.push_back(at->second);
  return price;
}

void RoutePricing::add_copy(const CopySpec& spec) {
  const DeviceId device = program_.workers()[index_of(spec.worker)].device;
  const auto [at, is_new] = host_routes_.emplace(std::pair(device, spec.kind), prices_.routes.size());
  if (is_new) prices_.routes.push_back(to_host(device, spec.kind));
  const double rate = prices_.routes[at->second].bytes_per_second;
  prices_.copies.push_back({at->second, to_picoseconds(spec.bytes / BytesPerSecond{rate})});
}

/// `known_by`: by peer, the last rank that has it in its list.
void RoutePricing::add_peers(const CollectiveSpec& spec, std::uint32_t rank, std::vector<std::uint32_t>& known_by,
                             CollectivePrice& price) {
  const std::uint32_t rounds = spec.algorithm->rounds(spec.shape);
  for (std::uint32_t round = 0; round < rounds; ++round) {
    const std::uint32_t to = spec.algorithm->exchange(spec.shape, rank, round).to;
    if (to == kNoRank || std::exchange(known_by[to], rank) == rank) continue;
    price.peers.push_back({to, route(spec.members[rank], spec.members[to])});
  }
  price.first_peer.push_back(static_cast<std::uint32_t>(price.peers.size()));
}

/// With the slowest of the routes that are taken within nodes, and of those between them.
Picoseconds RoutePricing::closed_form(const CollectiveSpec& spec, const CollectivePrice& price) const {
  std::optional<MessageCost> inside, between;
  for (std::uint32_t rank = 0; rank < spec.shape.ranks; ++rank)
    for (const PeerRoute& peer : price.peers_of(rank)) {
      const bool near = rank / spec.shape.ranks_per_node == peer.peer / spec.shape.ranks_per_node;
      const RoutePrice& way = prices_.routes[peer.route];
      std::optional<MessageCost>& slowest = near ? inside : between;
      const MessageCost cost{to_seconds(way.latency), {way.bytes_per_second}};
      slowest = slowest ? slower(*slowest, cost) : cost;
    }
  if (!inside && !between) return {};  // nobody sends anything
  return to_picoseconds(uncontended_time(*spec.algorithm, spec.shape, inside ? *inside : *between,
                                         between ? *between : *inside));
}

void RoutePricing::add_collective(const CollectiveSpec& spec) {
  CollectivePrice price;
  price.first_peer.push_back(0);
  std::vector<std::uint32_t> known_by(spec.shape.ranks, kNoRank);
  for (std::uint32_t rank = 0; rank < spec.shape.ranks; ++rank) add_peers(spec, rank, known_by, price);
  if (mode_ == NetworkMode::analytic) price.closed_form = closed_form(spec, price);
  prices_.collectives.push_back(std::move(price));
}

}  // namespace tandem
