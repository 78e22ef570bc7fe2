#pragma once
// Which policy of offloading: plans tried in the simulator, and the fastest that fits.

#include <string>
#include <vector>

#include "hardware_profiles/cost.hpp"
#include "tools/job.hpp"

namespace tandem {

/// Fields of a plan.
struct OffloadPolicy {
  std::string offload;
  std::int64_t prefetch = 1;
  bool operator==(const OffloadPolicy&) const = default;
};

/// One policy, tried on a job.
struct OffloadTrial {
  OffloadPolicy policy;
  Bytes device, host;     ///< peaks of the workers that have most
  Seconds iteration;      ///< predicted
  bool fits = false;      ///< on every device
};

/// Lowers and simulates the job once more with `policy`; its cuts stay. The job's own plan and Program stay.
OffloadTrial try_offload(Job& job, const OffloadPolicy& policy, const CostModel& costs);

/// none, convolutions, all and stage, those but none with the plan's prefetch and without any, and the job's own policy
/// where it is another; no trials where the job offloads nothing.
std::vector<OffloadTrial> offload_trials(Job& job, const CostModel& costs);

/// Settles `dynamic`: none where that fits; else of convolutions, all, and the fewest of the largest layers that fit,
/// found by bisection, each with the plan's prefetch and without any, the fastest that fits; of equally fast ones that
/// with the least on the host. Where none fits, what needs the least of the device. Any other policy stays.
void settle_offload(Job& job, const CostModel& costs);

/// Lines that begin with '#': a policy each, with memory and time. "" without trials.
std::string offload_table(const std::vector<OffloadTrial>& trials);

}  // namespace tandem
