#pragma once
// The rows of the table of topologies, one file each.

#include "hardware_profiles/topology.hpp"

namespace tandem {

extern const Topology kSharedMemory, kPcieTree, kNvlinkMesh, kNvswitch, kRing, kTorus, kIpuLadder, kSwitch, kFatTree,
    kDragonfly;

}  // namespace tandem
