#pragma once
// The Timeline: what both rides return. Nothing in it says which ride it came from.

#include <array>
#include <vector>

#include "plan/program.hpp"

namespace tandem {

struct Span {
  Picoseconds start, end;  ///< from the iteration's zero; a message's span is its transfer, not its wait
};

struct MemoryEvent {
  Picoseconds time;
  std::int64_t bytes;  ///< above zero: allocated; below: freed
  WorkerId worker;
  BufferClass kind;
};

/// Bytes by class; the peak of the sum is not the sum of the peaks, so it has its own field. The sum is of what lies on
/// the device: the class `host` is left out.
struct MemoryPeak {
  std::array<Bytes, kBufferClasses> by_class{};
  Bytes total;
  bool operator==(const MemoryPeak&) const = default;
};

struct Timeline {
  std::vector<Span> spans;                ///< by StepId
  std::vector<Picoseconds> cpu_time;      ///< by StepId, of the thread that ran it; empty where there was none
  std::vector<StepId> order;              ///< steps in the order in which they started, stream by stream contiguous
  std::vector<MemoryEvent> memory;        ///< grouped by worker ascending, in the order of events; persistent ones at 0
  std::vector<MemoryPeak> peaks;          ///< by WorkerId
  std::vector<Joules> energy;             ///< by DeviceId; empty where no power is known

  /// Last end minus first start.
  Picoseconds makespan() const;
};

}  // namespace tandem
