// The part of a cluster file under `nodes:` and `between:`.

#include <fmt/format.h>

#include "hardware_profiles/read_devices.hpp"
#include "hardware_profiles/read_network.hpp"

namespace tandem {
namespace {

/// Appends the devices of nodes that are all alike.
NodeKind read_nodes_alike(const YamlNode& section, std::optional<std::int64_t> nodes, Cluster& cluster) {
  section.only_keys({"count", "devices", "inside", "nics"});
  const std::size_t first = cluster.devices.size();
  read_devices(section.at("devices"), cluster);
  const std::size_t devices = cluster.devices.size() - first;
  const YamlNode* written = section.find("count");
  const std::int64_t most = 1 + room_left(cluster) / static_cast<std::int64_t>(devices);
  const std::int64_t count = written ? written->integer(1, most) : 1;
  if (nodes && *nodes > most)
    section.fail("too many nodes", std::to_string(*nodes), fmt::format("at most {}", most));
  for (std::int64_t node = 1; node < nodes.value_or(count); ++node)
    for (std::size_t device = 0; device < devices; ++device)
      cluster.devices.push_back(cluster.devices[first + device]);
  return read_node_kind(section, static_cast<std::uint32_t>(nodes.value_or(count)),
                        static_cast<std::uint32_t>(devices));
}

/// The links of a network by kind, so that they can be shown with their sources.
void add_links_of(const NodeNetwork& network, Cluster& cluster) {
  for (const NodeKind& kind : network.kinds()) {
    if (kind.inside) cluster.links.insert(cluster.links.end(), kind.inside->links.begin(), kind.inside->links.end());
    if (kind.nic) cluster.links.push_back(*kind.nic);
  }
  if (!network.between()) return;
  const std::vector<Link>& between = network.between()->links;
  cluster.links.insert(cluster.links.end(), between.begin(), between.end());
}

}  // namespace

void read_nodes(const YamlNode& root, std::optional<std::int64_t> nodes, Cluster& cluster) {
  const YamlNode& section = root.at("nodes");
  std::vector<NodeKind> kinds;
  if (section.kind() != YamlNode::Kind::list) {
    kinds.push_back(read_nodes_alike(section, nodes, cluster));
  } else {
    if (section.items().empty()) section.fail("a cluster has nodes", "[]", "[{devices: ..., inside: ...}]");
    if (nodes) section.fail("this cluster has several kinds of nodes, so a count of nodes says too little");
    for (const YamlNode& kind : section.items()) kinds.push_back(read_nodes_alike(kind, std::nullopt, cluster));
  }
  cluster.nodes = read_node_network(root, std::move(kinds));
  add_links_of(*cluster.nodes, cluster);
}

}  // namespace tandem
