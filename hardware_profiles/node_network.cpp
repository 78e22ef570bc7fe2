#include "hardware_profiles/node_network.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "base/error.hpp"

namespace tandem {

/// Gathers a route, hop by hop.
class NodeNetwork::Path {
 public:
  void add(const Link& link, std::uint64_t id) {
    route_.links.push_back(static_cast<NetworkLinkId>(id));
    route_.latency += link.latency;
    route_.bandwidth = route_.links.size() == 1 ? link.bandwidth : std::min(route_.bandwidth, link.bandwidth);
  }
  void add(const Fabric& fabric, const Hop& hop, std::uint64_t first) {
    const std::uint32_t kind = fabric.topology->cable(fabric.shape, hop.cable).kind;
    add(fabric.links[kind], first + fabric.link_of(hop));
  }
  void add(const Fabric& fabric, const Hops& hops, std::uint64_t first) {
    for (const Hop& hop : hops) add(fabric, hop, first);
  }
  Route route() && { return std::move(route_); }

 private:
  Route route_;
};

namespace {

Hops way_out(const NodeKind& kind, std::uint32_t device) {
  Hops hops;
  if (kind.inside && kind.inside->topology->leave) kind.inside->topology->leave(kind.inside->shape, device, hops);
  return hops;
}

Hops way_in(const NodeKind& kind, std::uint32_t device) {
  Hops hops = way_out(kind, device);
  std::reverse(hops.begin(), hops.end());
  for (Hop& hop : hops) hop.back = !hop.back;
  return hops;
}

}  // namespace

NodeNetwork::NodeNetwork(std::vector<NodeKind> kinds, std::optional<Fabric> between, bool by_rail)
    : kinds_(std::move(kinds)), between_(std::move(between)), by_rail_(by_rail) {
  Start at;
  for (const NodeKind& kind : kinds_) {
    invariant(kind.inside ? kind.inside->shape.ends == kind.devices : kind.devices == 1, "a fabric joins the devices");
    at.nic_link = at.link + kind.count * links_inside(kind);
    starts_.push_back(at);
    at.device += std::uint64_t{kind.count} * kind.devices;
    at.node += kind.count;
    at.nic += std::uint64_t{kind.count} * kind.nics;
    at.link = at.nic_link + (kind.nic ? 2 * std::uint64_t{kind.count} * kind.nics : 0);
  }
  nodes_ = static_cast<std::uint32_t>(at.node);
  first_between_ = at.link;
  link_count_ = at.link + (between_ ? between_->link_count() : 0);
  invariant(!between_ || between_->shape.ends == at.nic, "a fabric joins the NICs");
  if (at.device + link_count_ >= std::numeric_limits<std::uint32_t>::max())
    throw InputError("the network has more links than can be numbered", std::to_string(link_count_),
                     "fewer than 2^32, one in each device included");
}

NodeNetwork::Place NodeNetwork::place_of(DeviceId device) const {
  auto kind = static_cast<std::uint32_t>(kinds_.size() - 1);
  while (starts_[kind].device > index_of(device)) --kind;
  const auto within = static_cast<std::uint32_t>(index_of(device) - starts_[kind].device);
  invariant(within / kinds_[kind].devices < kinds_[kind].count, "a device of the network");
  return {kind, within / kinds_[kind].devices, within % kinds_[kind].devices};
}

std::uint32_t NodeNetwork::node_of(DeviceId device) const {
  const Place place = place_of(device);
  return static_cast<std::uint32_t>(starts_[place.kind].node) + place.node;
}

std::uint32_t NodeNetwork::nic_of(const Place& place) const {
  const NodeKind& kind = kinds_[place.kind];
  return static_cast<std::uint32_t>(std::uint64_t{place.device} * kind.nics / kind.devices);
}

std::uint32_t NodeNetwork::end_of(const Place& place) const {
  const Start& start = starts_[place.kind];
  const std::uint64_t node = start.node + place.node;
  const std::uint64_t end = by_rail_ ? std::uint64_t{nic_of(place)} * nodes_ + node
                                     : start.nic + std::uint64_t{place.node} * kinds_[place.kind].nics + nic_of(place);
  return static_cast<std::uint32_t>(end);
}

Route NodeNetwork::route(DeviceId from, DeviceId to) const {
  const Place source = place_of(from), target = place_of(to);
  const NodeKind &out = kinds_[source.kind], &in = kinds_[target.kind];
  const auto first_inside = [&](const Place& at) {
    return starts_[at.kind].link + at.node * links_inside(kinds_[at.kind]);
  };
  const auto nic_link = [&](const Place& at) {
    return starts_[at.kind].nic_link + 2 * (std::uint64_t{at.node} * kinds_[at.kind].nics + nic_of(at));
  };
  Path path;
  Hops between;
  if (source.kind == target.kind && source.node == target.node) {
    out.inside->topology->route(out.inside->shape, source.device, target.device, between);
    path.add(*out.inside, between, first_inside(source));
    return std::move(path).route();
  }
  invariant(between_.has_value(), "several nodes are joined");
  if (out.inside) path.add(*out.inside, way_out(out, source.device), first_inside(source));
  if (out.nic) path.add(*out.nic, nic_link(source));
  between_->topology->route(between_->shape, end_of(source), end_of(target), between);
  path.add(*between_, between, first_between_);
  if (in.nic) path.add(*in.nic, nic_link(target) + (in.nic->full_duplex ? 1 : 0));
  if (in.inside) path.add(*in.inside, way_in(in, target.device), first_inside(target));
  return std::move(path).route();
}

NetworkLink NodeNetwork::link(NetworkLinkId id) const {
  const std::uint64_t index = index_of(id);
  invariant(index < link_count_, "a link of the network");
  if (index >= first_between_) return between_->link(static_cast<std::uint32_t>(index - first_between_), "nic");
  std::size_t at = kinds_.size() - 1;
  while (starts_[at].link > index) --at;
  const NodeKind& kind = kinds_[at];
  if (index < starts_[at].nic_link) {
    const std::uint64_t within = index - starts_[at].link;
    NetworkLink link = kind.inside->link(static_cast<std::uint32_t>(within % links_inside(kind)), "device");
    link.name = fmt::format("node {} {}", starts_[at].node + within / links_inside(kind), link.name);
    return link;
  }
  const std::uint64_t nic = (index - starts_[at].nic_link) / 2;
  const bool in = (index - starts_[at].nic_link) % 2 == 1;
  const std::string_view way = !kind.nic->full_duplex ? "" : in ? " in" : " out";
  return {fmt::format("node {} nic {}{}", starts_[at].node + nic / kind.nics, nic % kind.nics, way),
          kind.nic->bandwidth, kind.nic->latency};
}

BytesPerSecond NodeNetwork::over_half_the_nics() const {
  BytesPerSecond total;
  std::uint64_t left = nodes_ / 2;
  for (const NodeKind& kind : kinds_) {
    const std::uint64_t taken = std::min<std::uint64_t>(left, kind.count);
    left -= taken;
    const double nics = static_cast<double>(taken * kind.nics);
    if (taken > 0 && !kind.nic) return {std::numeric_limits<double>::infinity()};
    if (taken > 0) total += kind.nic->bandwidth * nics;
  }
  return total;
}

BytesPerSecond NodeNetwork::bisection() const {
  if (between_) return std::min(between_->bisection(), over_half_the_nics());
  const std::optional<Fabric>& inside = kinds_.front().inside;
  return inside ? inside->bisection() : BytesPerSecond{};
}

}  // namespace tandem
