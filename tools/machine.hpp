#pragma once
// What this machine is, and how busy it is with other things than us.

#include <cstdint>
#include <string>

#include "base/units.hpp"

namespace tandem {

struct Machine {
  std::string processor;  ///< as the kernel names it
  std::int64_t cores = 1; ///< that this process may use
  Bytes memory;
};

/// Reads /proc and the processor affinity. Throws ResourceError when /proc cannot be read.
Machine this_machine();

/// Processor time of the whole machine, in core-seconds since some moment, and what this process had of it.
struct ProcessorTimes {
  double busy_s = 0;    ///< of all processes
  double stolen_s = 0;  ///< by the hypervisor
  double own_s = 0;     ///< of this process
  double wall_s = 0;
};
ProcessorTimes processor_times();

/// Core-seconds that others used between two readings, as a share of what the machine had.
struct OtherLoad {
  double others = 0;  ///< of other processes
  double stolen = 0;
};
OtherLoad other_load(const ProcessorTimes& before, const ProcessorTimes& after, std::int64_t cores);

}  // namespace tandem
