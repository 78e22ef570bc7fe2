#pragma once
// Reads the sections of a cluster file that say how its nodes are joined: docs/networks.md.

#include <optional>

#include "base/yaml.hpp"
#include "hardware_profiles/cluster.hpp"

namespace tandem {

/// A section with `topology:`, its parameters and its links. Throws InputError with the place.
Fabric read_fabric(const YamlNode& section, std::uint32_t ends, std::initializer_list<std::string_view> more_keys = {});

/// `inside:` and `nics:` of a kind of node, which has `devices` devices and of which there are `count`.
NodeKind read_node_kind(const YamlNode& section, std::uint32_t count, std::uint32_t devices);
/// Reads `between:` of the file and puts the network together.
NodeNetwork read_node_network(const YamlNode& root, std::vector<NodeKind> kinds);
/// Reads `nodes:` and `between:` into the cluster's devices, links and network, with `nodes` nodes where that many are
/// asked for.
void read_nodes(const YamlNode& root, std::optional<std::int64_t> nodes, Cluster& cluster);

}  // namespace tandem
