#pragma once
// Which policy of offloading: plans tried in the simulator, and the fastest that fits.

#include <string>
#include <vector>

#include "hardware_profiles/cost.hpp"
#include "tools/job.hpp"

namespace tandem {

/// One policy, tried on a job.
struct OffloadTrial {
  std::string policy;     ///< as in the plan
  Bytes device, host;     ///< peaks of the workers that have most
  Seconds iteration;      ///< predicted
  bool fits = false;      ///< on every device
};

/// Lowers and simulates the job once more with `policy`; its cuts stay. The job's own plan and Program stay as they are.
OffloadTrial try_offload(Job& job, const std::string& policy, const CostModel& costs);

/// none, convolutions, all and stage, and the job's own policy where it is another; none where the job offloads nothing.
std::vector<OffloadTrial> offload_trials(Job& job, const CostModel& costs);

/// Settles `dynamic`: of none, convolutions, all, and the fewest of the largest layers by name that fit, found by bisection,
/// the fastest that fits; of equally fast ones that with the least on the host. Where none fits, all. Any other policy
/// stays.
void settle_offload(Job& job, const CostModel& costs);

/// Lines that begin with '#': a policy each, with memory and time. "" without trials.
std::string offload_table(const std::vector<OffloadTrial>& trials);

}  // namespace tandem
