#pragma once
// Reads which devices a cluster file lists: its own profiles, and how many of which.

#include "base/yaml.hpp"
#include "hardware_profiles/cluster.hpp"

namespace tandem {

inline constexpr std::int64_t kMostDevices = 1'000'000;

/// Devices that the cluster may still get.
std::int64_t room_left(const Cluster& cluster);
/// Appends the devices under `profiles:`, each once. Throws InputError with the place.
void read_own_profiles(const YamlNode& root, Cluster& cluster);
/// Appends what a list of {profile, count} names; profiles of the zoo on demand. Throws InputError with the place.
void read_devices(const YamlNode& list, Cluster& cluster);

}  // namespace tandem
