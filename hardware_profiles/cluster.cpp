#include "hardware_profiles/cluster.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace tandem {
namespace {

bool joins(const Cluster::Wire& wire, DeviceId from, DeviceId to) {
  return (wire.a == from && wire.b == to) || (wire.a == to && wire.b == from);
}

bool shares_cores(const Cluster& cluster, std::uint32_t profile) { return cluster.profiles[profile].shares_cores; }

}  // namespace

std::uint32_t Cluster::link_between(DeviceId from, DeviceId to) const {
  invariant(index_of(from) < devices.size() && index_of(to) < devices.size(), "a link joins devices of the cluster");
  if (from == to) return within.empty() ? default_link : within[devices[index_of(from)]];
  invariant(!nodes, "between the devices of nodes there are routes");
  const auto wire = std::find_if(wires.begin(), wires.end(), [&](const Wire& each) { return joins(each, from, to); });
  if (wire != wires.end()) return wire->link;
  if (all_connected) return default_link;
  throw InputError(fmt::format("cluster \"{}\" has no route from device {} ({}) to device {} ({})", name,
                               index_of(from), device(from).name, index_of(to), device(to).name));
}

const Device* Cluster::host_of(DeviceId id) const {
  const std::uint32_t profile = devices[index_of(id)];
  if (profiles[profile].shares_cores) return &profiles[profile];
  return profile < hosts.size() && hosts[profile] ? &*hosts[profile] : nullptr;
}

Bytes total_memory(const Cluster& cluster) {
  std::vector<std::int64_t> counts(cluster.profiles.size());
  for (const std::uint32_t profile : cluster.devices) ++counts[profile];
  std::int64_t total = 0;
  for (std::size_t profile = 0; profile < counts.size(); ++profile) {
    const Device& device = cluster.profiles[profile];
    std::int64_t bytes = 0;
    if (__builtin_mul_overflow(device.memory.count, counts[profile], &bytes) ||
        __builtin_add_overflow(total, bytes, &total))
      throw InputError(fmt::format("the memory of cluster \"{}\" is more than can be counted", cluster.name),
                       fmt::format("{} x {}", counts[profile], to_text(device.memory)), "less than 2^63 bytes in all");
  }
  return {total};
}

Link memory_copy_link(const Device& device) {
  invariant(device.memory_bandwidth.value > 0, "memory moves bytes");
  Link link;
  link.name = device.name + " memory";
  link.bandwidth = device.memory_bandwidth / 2;
  link.full_duplex = false;
  link.source = "half the memory bandwidth: a copy reads and writes each byte; the latency is unknown, so 0";
  return link;
}

std::vector<DeviceId> place_workers(const Cluster& cluster, std::size_t workers) {
  const std::size_t devices = cluster.device_count();
  if (workers == 0) throw InputError("no workers to place", "0", "at least 1");
  const bool shared = std::all_of(cluster.devices.begin(), cluster.devices.end(),
                                  [&](std::uint32_t profile) { return shares_cores(cluster, profile); });
  if (devices == 0 || (workers > devices && !shared))
    throw InputError(fmt::format("the workers do not fit on cluster \"{}\", whose devices take one each", cluster.name),
                     std::to_string(workers), fmt::format("at most {}", devices));
  std::vector<DeviceId> places;
  for (std::size_t worker = 0; worker < workers; ++worker)
    places.push_back(static_cast<DeviceId>(workers > devices ? worker * devices / workers : worker));
  return places;
}

}  // namespace tandem
