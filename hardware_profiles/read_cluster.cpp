// Clusters out of files, and out of one device and a count.

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "hardware_profiles/cluster.hpp"
#include "hardware_profiles/profile_reading.hpp"
#include "hardware_profiles/read_devices.hpp"
#include "hardware_profiles/read_network.hpp"
#include "hardware_profiles/zoo.hpp"

namespace tandem {
namespace {

/// Links for workers on one device, behind those between devices.
void add_links_within(Cluster& cluster) {
  for (const Device& device : cluster.profiles) {
    cluster.within.push_back(static_cast<std::uint32_t>(cluster.links.size()));
    cluster.links.push_back(device.threads_link ? *device.threads_link : memory_copy_link(device));
  }
}

/// The servers that the devices hang on: of the cluster's own profiles, or of the zoo.
void find_hosts(Cluster& cluster) {
  for (const Device& device : cluster.profiles) {
    cluster.hosts.emplace_back();
    if (!device.host) continue;
    const std::string& name = device.host->profile;
    const auto own = std::ranges::find(cluster.profiles, name, &Device::name);
    cluster.hosts.back() = own != cluster.profiles.end() ? std::optional(*own) : find_zoo_device(name);
    if (!cluster.hosts.back())
      throw InputError(fmt::format("device \"{}\": unknown host{}", device.name, did_you_mean(name, device_names())), name,
                       "a device under `profiles:` or of the zoo");
    cluster.hosts.back()->shares_cores = false;
  }
}

void read_links(const YamlNode& root, Cluster& cluster) {
  const YamlNode* links = root.find("links");
  if (!links) return;
  for (const auto& [name, section] : links->entries()) cluster.links.push_back(read_link(section, read_name(name)));
}

std::uint32_t find_link(const Cluster& cluster, const YamlNode& name) {
  std::vector<std::string> names;
  for (const Link& link : cluster.links) names.push_back(link.name);
  const auto found = std::find(names.begin(), names.end(), name.text());
  if (found == names.end())
    name.fail("unknown link" + did_you_mean(name.text(), names), name.text(), "one under `links:`");
  return static_cast<std::uint32_t>(found - names.begin());
}

void read_wires(const YamlNode& root, Cluster& cluster) {
  const YamlNode* wires = root.find("wires");
  if (!wires) return;
  const auto last = static_cast<std::int64_t>(cluster.device_count()) - 1;
  std::set<std::pair<std::int64_t, std::int64_t>> pairs;
  for (const YamlNode& wire : wires->items()) {
    wire.only_keys({"between", "link"});
    const YamlNode& between = wire.at("between");
    if (between.items().size() != 2) between.fail("a wire joins two devices", "", "[FIRST, SECOND]");
    const std::int64_t a = between.items()[0].integer(0, last), b = between.items()[1].integer(0, last);
    if (a == b) between.fail("a wire joins two different devices", std::to_string(a));
    if (!pairs.insert(std::minmax(a, b)).second)
      between.fail("this pair has a wire already", fmt::format("[{}, {}]", a, b));
    cluster.wires.push_back({static_cast<DeviceId>(a), static_cast<DeviceId>(b), find_link(cluster, wire.at("link"))});
  }
}

void read_devices_and_wires(const YamlNode& root, Cluster& cluster) {
  read_devices(root.at("devices"), cluster);
  read_links(root, cluster);
  read_wires(root, cluster);
  const YamlNode* shared = root.find("default_link");
  cluster.all_connected = shared != nullptr;
  if (shared) cluster.default_link = find_link(cluster, *shared);
}

}  // namespace

Cluster cluster_of(const Device& device, std::int64_t count) {
  if (count < 1 || count > kMostDevices)
    throw InputError(fmt::format("unsuitable count of device \"{}\"", device.name), std::to_string(count),
                     fmt::format("1 to {}", kMostDevices));
  if (count > 1 && !device.link)
    throw InputError(fmt::format("device \"{}\" has no `link:` section, so nothing says how {} of it are joined",
                                 device.name, count));
  Cluster cluster;
  cluster.name = count == 1 ? device.name : fmt::format("{}:{}", device.name, count);
  cluster.profiles.push_back(device);
  cluster.devices.assign(static_cast<std::size_t>(count), 0);
  if (count > 1) cluster.links.push_back(*device.link);
  add_links_within(cluster);
  find_hosts(cluster);
  total_memory(cluster);
  return cluster;
}

Cluster read_cluster(const YamlNode& root, std::optional<std::int64_t> nodes) {
  const bool has_nodes = root.find("nodes") != nullptr;
  if (has_nodes)
    root.only_keys({"cluster", "profiles", "nodes", "between"});
  else
    root.only_keys({"cluster", "profiles", "devices", "links", "default_link", "wires", "nodes"});
  if (nodes && !has_nodes)
    root.fail("only a device, or a cluster with `nodes:`, takes a count", fmt::format(":{}", *nodes), "no count");
  Cluster cluster;
  cluster.name = read_name(root.at("cluster")) + (nodes ? fmt::format(":{}", *nodes) : "");
  read_own_profiles(root, cluster);
  if (has_nodes)
    read_nodes(root, nodes, cluster);
  else
    read_devices_and_wires(root, cluster);
  add_links_within(cluster);
  find_hosts(cluster);
  total_memory(cluster);
  return cluster;
}

}  // namespace tandem
