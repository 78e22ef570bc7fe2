#pragma once
// This machine as a device: the profile that `tandem calibrate` measures and keeps in the user's cache.

#include <string>

#include "hardware_profiles/cluster.hpp"

namespace tandem {

/// This machine: a CPU whose workers are threads, and what a message between two of them takes.
struct HostProfile {
  Device device;
  Link link;
};

/// Reads a device file that shares its cores and has a `threads_link:` section. Throws InputError: with the place, or,
/// where the file is missing, saying to run `tandem calibrate`.
HostProfile read_host(const std::string& path);
/// The same format, such that read_host() gives an equal profile back; `link` takes the name of the device's threads.
std::string write_host(const HostProfile& profile);

/// A cluster named "host" of one device, within which every message takes `link`.
Cluster host_cluster(const Device& device, const Link& link);

}  // namespace tandem
