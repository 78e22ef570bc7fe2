#pragma once
// This machine's profile: read from the user's cache, measured first where it is not there.

#include <string>

#include "hardware_profiles/host.hpp"
#include "tools/console.hpp"

namespace tandem {

/// load_cluster(), but "host" is measured when its profile is missing or was made on another machine; says so on err.
Cluster cluster_for(const std::string& name, Console& console);

/// Measures the machine, showing progress, keeps the profile under host_profile_path(), and says where.
HostProfile calibrate_and_keep(Console& console);

/// Keeps the profile. Throws ResourceError when it cannot be written.
void keep_host(const HostProfile& profile);

}  // namespace tandem
