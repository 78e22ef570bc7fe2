#include "tools/show_cluster.hpp"

#include <fmt/format.h>

#include "tools/wrapped.hpp"

namespace tandem {
namespace {

/// "8 tesla-k80", or several kinds, in the order of the devices.
std::string devices_text(const Cluster& cluster) {
  std::vector<std::size_t> counts(cluster.profiles.size());
  for (const std::uint32_t profile : cluster.devices) ++counts[profile];
  std::vector<std::string> parts;
  for (std::size_t profile = 0; profile < counts.size(); ++profile)
    if (counts[profile] > 0) parts.push_back(fmt::format("{} {}", counts[profile], cluster.profiles[profile].name));
  return fmt::format("{}", fmt::join(parts, ", "));
}

std::string fabric_text(const Fabric& fabric) {
  std::vector<std::string> numbers;
  for (std::size_t i = 0; i < fabric.shape.parameters.size(); ++i)
    numbers.push_back(fmt::format("{} {}", fabric.topology->parameters[i].name, fabric.shape.parameters[i]));
  if (numbers.empty()) return std::string(fabric.topology->name);
  return fmt::format("{} ({})", fabric.topology->name, fmt::join(numbers, ", "));
}

std::string node_text(const NodeKind& kind, bool leads_out) {
  std::string text = fmt::format("{} x {} device{}", kind.count, kind.devices, kind.devices == 1 ? "" : "s");
  if (kind.inside) text += " on " + fabric_text(*kind.inside);
  if (leads_out) text += fmt::format(", {} NIC{}", kind.nics, kind.nics == 1 ? "" : "s");
  return text;
}

}  // namespace

std::string topology_line(const Cluster& cluster) {
  if (!cluster.nodes) {
    if (cluster.device_count() == 1) return "one device";
    return cluster.all_connected ? "a link of its own for each pair" : "a link for each wired pair";
  }
  std::vector<std::string> parts;
  const std::optional<Fabric>& between = cluster.nodes->between();
  for (const NodeKind& kind : cluster.nodes->kinds()) parts.push_back(node_text(kind, between.has_value()));
  std::string text = fmt::format("{}", fmt::join(parts, "; "));
  if (between) text += "; between: " + fabric_text(*between);
  return text;
}

std::string cluster_text(const Cluster& cluster) {
  std::string text = fmt::format("{:<19} {}\n", cluster.name, devices_text(cluster));
  text += wrapped(topology_line(cluster), "    ");
  if (cluster.device_count() > 1) text += fmt::format("    bisection {}, one way\n", to_text(cluster.bisection()));
  for (const Link& link : cluster.links)
    text += wrapped(fmt::format("{}: {} {}, latency {}: {}", link.name, to_text(link.bandwidth),
                                link.full_duplex ? "per direction" : "both ways together", to_text(link.latency),
                                link.source),
                    "    ");
  return text;
}

}  // namespace tandem
