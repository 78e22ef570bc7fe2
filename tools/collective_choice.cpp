#include "tools/collective_choice.hpp"

#include <algorithm>

namespace tandem {
namespace {

/// Without nodes every device is one of its own.
std::uint32_t node_of(const Cluster& cluster, DeviceId device) {
  return cluster.nodes ? cluster.nodes->node_of(device) : index_of(device);
}

/// Consecutive members on one node, if all nodes hold as many; else 1.
std::uint32_t members_per_node(const Cluster& cluster, std::span<const DeviceId> members) {
  std::vector<std::uint32_t> runs;
  for (std::size_t i = 0; i < members.size(); ++i) {
    const bool same = i > 0 && node_of(cluster, members[i]) == node_of(cluster, members[i - 1]);
    if (same) ++runs.back();
    else runs.push_back(1);
  }
  return std::all_of(runs.begin(), runs.end(), [&](std::uint32_t run) { return run == runs[0]; }) ? runs[0] : 1;
}

MessageCost cost_between(const Cluster& cluster, DeviceId from, DeviceId to) {
  if (from == to) {
    const Link& link = cluster.links.at(cluster.link_between(from, to));
    return {link.latency, link.bandwidth};
  }
  const Route route = cluster.route(from, to);
  return {route.latency, route.bandwidth};
}

const CollectiveAlgorithm& cheapest(const Cluster& cluster, CollectiveShape& shape, std::span<const DeviceId> members) {
  shape.ranks_per_node = members_per_node(cluster, members);
  if (shape.ranks < 2) return cheapest_algorithm(shape, {}, {});
  const GroupRoutes routes = group_routes(cluster, members);
  return cheapest_algorithm(shape, routes.inside, routes.between);
}

}  // namespace

GroupRoutes group_routes(const Cluster& cluster, std::span<const DeviceId> members) {
  const std::uint32_t per_node = members_per_node(cluster, members);
  const std::size_t next = std::min<std::size_t>(per_node, members.size() - 1);
  return {per_node, cost_between(cluster, members[0], members[1]), cost_between(cluster, members[0], members[next])};
}

CollectiveChooser collective_chooser(const Plan& plan, const Cluster& cluster) {
  return [&plan, &cluster](CollectiveShape& shape, std::span<const DeviceId> members) -> const CollectiveAlgorithm& {
    if (plan.collective == "auto") return cheapest(cluster, shape, members);
    shape.ranks_per_node = members_per_node(cluster, members);
    return suitable_algorithm(find_collective_algorithm(plan.collective), shape);
  };
}

}  // namespace tandem
