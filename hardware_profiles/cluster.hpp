#pragma once
// A cluster: devices and the links between them.

#include <cstdint>
#include <string>
#include <vector>

#include "hardware_profiles/device.hpp"

namespace tandem {

enum class DeviceId : std::uint32_t {};

/// A way from one device to another. Messages in the same direction share its bandwidth at max-min fair rates.
struct Link {
  std::string name;
  Seconds latency;
  BytesPerSecond bandwidth;     ///< per direction
  bool full_duplex = true;
  Seconds busy_latency;         ///< latency when every core of the device is busy; for threads of one host
  std::string source;
};

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
  std::uint32_t default_link = 0;        ///< of every other pair, and within one device; index into links
  bool all_connected = true;             ///< false: only wired pairs can talk

  std::size_t device_count() const { return devices.size(); }
  const Device& device(DeviceId id) const { return profiles[devices[index_of(id)]]; }
  /// The link for a message from `from` to `to`. Throws InputError naming the pair when there is none.
  std::uint32_t link_between(DeviceId from, DeviceId to) const;
};

/// A zoo name ("host" needs its calibration, see read_host), a cluster file, or a device file (a cluster of one).
/// Throws InputError with a "did you mean".
Cluster load_cluster(const std::string& name_or_path);
std::vector<std::string> cluster_names();
std::vector<std::string> device_names();
Device load_device(const std::string& name_or_path);

/// $XDG_CACHE_HOME/tandem/host.yaml, or ~/.cache/tandem/host.yaml.
std::string host_profile_path();
/// Places `workers` on the cluster's devices: one each, in order; where the devices are too few and share cores,
/// in equal contiguous blocks. Throws InputError when they do not fit.
std::vector<DeviceId> place_workers(const Cluster& cluster, std::size_t workers);

}  // namespace tandem
