#pragma once
// A cluster: devices and the links between them.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/id.hpp"
#include "hardware_profiles/device.hpp"
#include "hardware_profiles/network.hpp"
#include "hardware_profiles/node_network.hpp"
#include "hardware_profiles/network.hpp"
#include "hardware_profiles/node_network.hpp"

namespace tandem {


struct Cluster {
  std::string name;
  std::vector<Device> profiles;          ///< distinct kinds
  std::vector<std::uint32_t> devices;    ///< DeviceId -> index into profiles
  std::vector<Link> links;
  struct Wire {
    DeviceId a, b;
    std::uint32_t link;
  };
  std::vector<Wire> wires;               ///< pairs with a link of their own
  std::uint32_t default_link = 0;        ///< of every other pair; index into links
  bool all_connected = true;             ///< false: only wired pairs can talk
  std::vector<std::optional<Device>> hosts;  ///< by profile: all cores of its server together; none: not known
  std::vector<std::uint32_t> within;     ///< by profile: the link between workers on one device; empty: default_link
  /// Where the cluster is given as nodes: how its devices are joined. `links` then lists its links by kind, and wires,
  /// default_link and all_connected say nothing.
  std::optional<NodeNetwork> nodes;

  std::size_t device_count() const { return devices.size(); }
  const Device& device(DeviceId id) const { return profiles[devices[index_of(id)]]; }
  /// What computes on the host of a device; null where that is not known. A device that shares its cores is its own host,
  /// of which a step then takes one core.
  const Device* host_of(DeviceId id) const;
  /// Index into `links` for a message from `from` to `to`; of a cluster of nodes, only within one device. Throws
  /// InputError naming the pair when there is none.
  std::uint32_t link_between(DeviceId from, DeviceId to) const;

  /// The links that a message meets on its way, found by rule, so cheap at any size. Within one device it is one link,
  /// shared by all its workers. Throws InputError naming the pair when there is no route.
  Route route(DeviceId from, DeviceId to) const;
  /// What a route's id stands for. Ids are below network_link_count(); nothing is stored for a link.
  NetworkLink network_link(NetworkLinkId id) const;
  std::uint64_t network_link_count() const;
  /// Bytes per second that one half of the devices can send to the other at once, in one direction; 0 of one device.
  BytesPerSecond bisection() const;
};

/// The memory of all devices. Throws InputError when it is more than can be counted.
Bytes total_memory(const Cluster& cluster);

/// `count` devices of one kind, joined by its `link:` section. Throws InputError when count > 1 and it has none, or
/// when the memory of all cannot be counted.
Cluster cluster_of(const Device& device, std::int64_t count);
/// Messages between workers on one device without measured threads: a copy through its memory, which reads and writes
/// each byte, at half the memory bandwidth, shared by both directions. Its latency is unknown, so 0.
Link memory_copy_link(const Device& device);
/// Reads the cluster format of docs/profiles.md and docs/networks.md, with `nodes` nodes where that many are asked for.
/// Throws InputError with the place.
Cluster read_cluster(const YamlNode& root, std::optional<std::int64_t> nodes = std::nullopt);

/// "host" (read_host() of its calibration), a zoo name, a cluster file, a device file (a cluster of one), or a name or
/// file followed by a count: "tesla-k80:4" is four of the device on its own link, "dgx-a100:16" the cluster with 16
/// nodes. Throws InputError with a "did you mean".
Cluster load_cluster(const std::string& name_or_path);
/// Names of the zoo, sorted; "host" is not among them.
std::vector<std::string> cluster_names();
std::vector<std::string> device_names();
Device load_device(const std::string& name_or_path);

/// $XDG_CACHE_HOME/tandem/host.yaml, or ~/.cache/tandem/host.yaml.
std::string host_profile_path();
/// Places `workers` on the cluster's devices: one each, in order; where the devices are too few and share cores,
/// in contiguous blocks as equal as can be. Throws InputError when they do not fit.
std::vector<DeviceId> place_workers(const Cluster& cluster, std::size_t workers);

}  // namespace tandem
