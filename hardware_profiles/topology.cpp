#include "hardware_profiles/topology.hpp"

#include "hardware_profiles/topologies/rows.hpp"

namespace tandem {

std::span<const Topology* const> topologies() {
  static constexpr const Topology* kRows[] = {&kSharedMemory, &kPcieTree,  &kNvlinkMesh, &kNvswitch, &kRing,
                                              &kTorus,        &kIpuLadder, &kSwitch,     &kFatTree,  &kDragonfly};
  return kRows;
}

const Topology* find_topology(std::string_view name) {
  for (const Topology* row : topologies())
    if (row->name == name) return row;
  return nullptr;
}

}  // namespace tandem
