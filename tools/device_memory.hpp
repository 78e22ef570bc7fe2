#pragma once
// What each device of a job must hold, and what it may hold: its memory less the plan's reserve.

#include <vector>

#include "tools/job.hpp"

namespace tandem {

/// The share of a device that is left to its allocator's fragmentation (Plan::memory_reserve), rounded up to bytes.
Bytes reserved_memory(const Device& device, const Plan& plan);
/// The rest.
Bytes usable_memory(const Device& device, const Plan& plan);

/// The peaks of a device's workers, added, as they may come at once.
struct DeviceNeed {
  DeviceId device{};
  WorkerId largest{};  ///< of its workers the first with the highest peak
  Bytes needed, usable;
  bool on_host = false;  ///< of the server that `device`, the first of its devices, names as its host
  bool fits() const { return needed <= usable; }
};
/// Of the devices that have workers, ascending.
std::vector<DeviceNeed> device_needs(const Job& job);
/// Of the servers that the devices' files name, where something waits on them: what all their workers keep there, at
/// most, of the memory that the server's own file states. A device that shares its cores has its own memory alone.
std::vector<DeviceNeed> host_needs(const Job& job);
/// Both.
std::vector<DeviceNeed> memory_needs(const Job& job);
/// The one that lacks most, or has least to spare.
DeviceNeed tightest(const std::vector<DeviceNeed>& needs);

/// "11.4 GiB (12 GiB less 5 % for fragmentation)", without the bracket where nothing is reserved.
std::string usable_text(const Device& device, const Plan& plan);

}  // namespace tandem
