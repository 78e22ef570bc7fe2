#pragma once
// The network of a cluster of nodes: a fabric inside each node, NICs that lead out of it, a fabric between the NICs.

#include <cstdint>
#include <optional>
#include <vector>

#include "hardware_profiles/fabric.hpp"

namespace tandem {

/// Nodes that are all alike.
struct NodeKind {
  std::uint32_t count = 1;
  std::uint32_t devices = 1;      ///< of each node
  std::optional<Fabric> inside;   ///< one end per device; none: a single device
  std::uint32_t nics = 0;         ///< of each node; neighbouring devices share one, as evenly as can be
  std::optional<Link> nic;        ///< between a device (or where the fabric is left) and the wire; none: no limit
};

/// Devices are numbered node by node, nodes in the order of their kinds, NICs likewise.
class NodeNetwork {
 public:
  /// `between` has one end per NIC, none where there is one node. `by_rail` plugs the first NICs of all nodes next to
  /// each other, then the second ones; every node then has as many. Throws InputError when there are more links than
  /// ids.
  NodeNetwork(std::vector<NodeKind> kinds, std::optional<Fabric> between, bool by_rail);

  const std::vector<NodeKind>& kinds() const { return kinds_; }
  const std::optional<Fabric>& between() const { return between_; }
  std::uint32_t node_count() const { return nodes_; }
  /// Counted from 0 over all kinds.
  std::uint32_t node_of(DeviceId device) const;

  /// Between two different devices, by rule: out of the node, over the NIC, between the nodes, and in again.
  Route route(DeviceId from, DeviceId to) const;
  NetworkLink link(NetworkLinkId id) const;
  std::uint64_t link_count() const { return link_count_; }
  /// What the poorest half of the nodes, or of a single node's devices, can send to the other half at once.
  BytesPerSecond bisection() const;

 private:
  struct Place {
    std::uint32_t kind, node, device;  ///< node of its kind, device of its node
  };
  /// Where the links and NICs of a kind's nodes begin.
  struct Start {
    std::uint64_t device = 0, node = 0, nic = 0, link = 0, nic_link = 0;
  };
  class Path;

  Place place_of(DeviceId device) const;
  std::uint64_t links_inside(const NodeKind& kind) const { return kind.inside ? kind.inside->link_count() : 0; }
  std::uint32_t nic_of(const Place& place) const;
  std::uint32_t end_of(const Place& place) const;
  BytesPerSecond over_half_the_nics() const;

  std::vector<NodeKind> kinds_;
  std::optional<Fabric> between_;
  bool by_rail_ = false;
  std::vector<Start> starts_;
  std::uint32_t nodes_ = 0;
  std::uint64_t first_between_ = 0, link_count_ = 0;
};

}  // namespace tandem
