#include "hardware_profiles/read_network.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "hardware_profiles/profile_reading.hpp"

namespace tandem {
namespace {

const Topology& read_topology(const YamlNode& section) {
  const YamlNode& name = section.at("topology");
  if (const Topology* topology = find_topology(name.text())) return *topology;
  std::vector<std::string> known;
  for (const Topology* row : topologies()) known.emplace_back(row->name);
  name.fail("unknown topology" + did_you_mean(name.text(), known), name.text(),
            fmt::format("{}", fmt::join(known, ", ")));
}

void check_keys(const YamlNode& section, const Topology& topology, std::initializer_list<std::string_view> more_keys) {
  std::vector<std::string> known = {"topology", "bandwidth", "latency", "full_duplex", "source"};
  for (const TopologyParameter& parameter : topology.parameters) known.emplace_back(parameter.name);
  for (const std::string_view kind : topology.kinds) known.emplace_back(kind);
  known.insert(known.end(), more_keys.begin(), more_keys.end());
  for (const auto& [key, value] : section.entries())
    if (std::find(known.begin(), known.end(), key.text()) == known.end())
      key.fail("unknown key" + did_you_mean(key.text(), known), key.text(), fmt::format("{}", fmt::join(known, ", ")));
}

/// A link that no cable takes, or half a link, would be read and forgotten.
void check_link_in_common(const YamlNode& section, const Topology& topology) {
  const auto is_there = [&](std::string_view key) { return section.find(key) != nullptr; };
  const bool any = is_there("bandwidth") || is_there("latency") || is_there("full_duplex") || is_there("source");
  if (!any) return;
  section.at("bandwidth");
  if (std::all_of(topology.kinds.begin(), topology.kinds.end(), is_there))
    section.at("bandwidth").fail("each kind of cable has a section of its own, so this says nothing");
}

/// The link of each kind of cable: in a section of its own, or in the fabric's.
std::vector<Link> read_links_of_kinds(const YamlNode& section, const Topology& topology) {
  check_link_in_common(section, topology);
  std::vector<Link> links;
  for (const std::string_view kind : topology.kinds) {
    const std::string name = fmt::format("{} {}", topology.name, kind);
    const YamlNode* own = section.find(kind);
    if (!own && !section.find("bandwidth"))
      section.fail(fmt::format("nothing says how fast the {} of this {} is", kind, topology.name), "",
                   fmt::format("`bandwidth:` here, or `{}: {{bandwidth: ..., source: ...}}`", kind));
    links.push_back(own ? read_link(*own, name) : read_link_among_others(section, name));
  }
  return links;
}

std::uint32_t count_of_nics(const YamlNode& section, std::uint32_t devices) {
  const YamlNode* nics = section.find("nics");
  if (!nics) return 1;
  nics->only_keys({"count", "bandwidth", "latency", "full_duplex", "source"});
  return static_cast<std::uint32_t>(nics->at("count").integer(1, devices));
}

std::uint64_t total_nics(const std::vector<NodeKind>& kinds) {
  std::uint64_t nics = 0;
  for (const NodeKind& kind : kinds) nics += std::uint64_t{kind.count} * kind.nics;
  return nics;
}

bool read_rails(const YamlNode& between, const std::vector<NodeKind>& kinds) {
  const YamlNode* rails = between.find("by_rail");
  if (!rails || !rails->boolean()) return false;
  for (const NodeKind& kind : kinds)
    if (kind.nics != kinds.front().nics)
      rails->fail("rails join nodes with equally many NICs", fmt::format("{} and {}", kinds.front().nics, kind.nics));
  return true;
}

}  // namespace

Fabric read_fabric(const YamlNode& section, std::uint32_t ends, std::initializer_list<std::string_view> more_keys) {
  const Topology& topology = read_topology(section);
  check_keys(section, topology, more_keys);
  Fabric fabric{&topology, {ends, {}}, read_links_of_kinds(section, topology)};
  for (const TopologyParameter& parameter : topology.parameters) {
    const YamlNode* value = section.find(parameter.name);
    if (!value && !parameter.fallback)
      section.fail(fmt::format("a {} needs `{}:`, {}", topology.name, parameter.name, parameter.meaning));
    fabric.shape.parameters.push_back(value ? value->integer(parameter.low, parameter.high) : *parameter.fallback);
  }
  if (const auto misfit = topology.misfit(fabric.shape)) section.fail(misfit->problem, misfit->got, misfit->want);
  if (fabric.link_count() >= std::numeric_limits<std::uint32_t>::max())
    section.fail("the network has more links than can be numbered", std::to_string(fabric.link_count()),
                 "fewer than 2^32");
  return fabric;
}

NodeKind read_node_kind(const YamlNode& section, std::uint32_t count, std::uint32_t devices) {
  NodeKind kind;
  kind.count = count;
  kind.devices = devices;
  const YamlNode* inside = section.find("inside");
  if (!inside && devices > 1) section.fail(fmt::format("nothing says how the {} devices of a node are joined", devices),
                                           "", "`inside: {topology: ...}`");
  if (inside) kind.inside = read_fabric(*inside, devices);
  kind.nics = count_of_nics(section, devices);
  const YamlNode* nics = section.find("nics");
  if (nics && nics->entries().size() > 1) kind.nic = read_link_among_others(*nics, "nic");
  return kind;
}

NodeNetwork read_node_network(const YamlNode& root, std::vector<NodeKind> kinds) {
  std::uint64_t nodes = 0;
  for (const NodeKind& kind : kinds) nodes += kind.count;
  const YamlNode* between = root.find("between");
  if (!between && nodes > 1)
    root.fail(fmt::format("nothing joins the {} nodes", nodes), "", "`between: {topology: ...}`");
  if (!between) return NodeNetwork(std::move(kinds), std::nullopt, false);
  std::optional<Fabric> fabric = read_fabric(*between, static_cast<std::uint32_t>(total_nics(kinds)), {"by_rail"});
  const bool by_rail = read_rails(*between, kinds);
  if (nodes == 1) fabric.reset();
  return NodeNetwork(std::move(kinds), std::move(fabric), by_rail);
}

}  // namespace tandem
