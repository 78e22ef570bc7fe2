#pragma once
// The order in which each worker allocates and frees: both rides walk this script along the compute stream.

#include <span>
#include <vector>

#include "plan/program.hpp"
#include "plan/timeline.hpp"

namespace tandem {

struct MemoryAction {
  std::uint32_t buffer : 30;
  std::uint32_t frees : 1;   ///< else allocates
  std::uint32_t at_end : 1;  ///< of the step, else at its start
  BufferId id() const { return static_cast<BufferId>(buffer); }
};

/// Actions by compute step, in the order in which they happen: at its start frees, then allocations; at its end
/// likewise.
class MemoryScript {
 public:
  explicit MemoryScript(const Program& program);
  /// All actions at that moment of the step, frees first, each by ascending buffer id.
  std::span<const MemoryAction> at(StepId step, Moment moment) const;

 private:
  std::vector<std::uint32_t> offset_;  ///< 2 per step: start, end
  std::vector<MemoryAction> actions_;
};

/// Each worker's peaks, by WorkerId, from the script alone: what both rides must find.
std::vector<MemoryPeak> script_peaks(const Program& program);

}  // namespace tandem
