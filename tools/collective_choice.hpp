#pragma once
// Which algorithm a collective takes: the plan's, or the one predicted to be fastest on this cluster.

#include "hardware_profiles/cluster.hpp"
#include "plan/lower.hpp"

namespace tandem {

/// How the members of a group reach each other.
struct GroupRoutes {
  std::uint32_t ranks_per_node = 1;
  MessageCost inside, between;  ///< of the first member to its neighbour, and to the first beyond its node
};
/// At least two members.
GroupRoutes group_routes(const Cluster& cluster, std::span<const DeviceId> members);

/// Where the plan says `auto`: the cheapest without contention, by the slowest route among the members of a node and
/// that between nodes. Keeps references to both.
CollectiveChooser collective_chooser(const Plan& plan, const Cluster& cluster);

}  // namespace tandem
