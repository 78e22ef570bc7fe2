#pragma once
// A cluster as text of at most 80 columns: its devices, how they are joined, and where the numbers are from.

#include <string>

#include "hardware_profiles/cluster.hpp"

namespace tandem {

/// How the devices are joined: "20 x 8 devices on nvswitch, 8 NICs; between: switch".
std::string topology_line(const Cluster& cluster);
/// Name and devices, topology, bisection bandwidth, then each kind of link with its source; indented but for the first
/// line. Only a list of many kinds of devices is wider.
std::string cluster_text(const Cluster& cluster);

}  // namespace tandem
