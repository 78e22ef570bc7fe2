#pragma once
// Which policy of offloading, and which algorithms of convolutions: plans tried in the simulator, and the fastest that fits.

#include <string>
#include <vector>

#include "hardware_profiles/cost.hpp"
#include "tools/convolution_choice.hpp"
#include "tools/job.hpp"

namespace tandem {

/// Fields of a plan.
struct OffloadPolicy {
  std::string offload;
  std::int64_t prefetch = 1;
  ConvolutionChoice convolutions{};
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

/// none, convolutions, all and stage, those but none with the plan's prefetch and without any, each with the algorithms
/// that need the least memory and with the fastest ones; and the job's own policy where it is another. No trials where the
/// job offloads nothing and names no convolutions. Where the plan names an algorithm for all convolutions, that is the only one.
std::vector<OffloadTrial> offload_trials(Job& job, const CostModel& costs);

/// Settles `dynamic` by vDNN's greedy search (1602.08124, section III-C): nothing offloaded and all convolutions by their
/// fastest algorithms, where that fits. Else the fastest that fits of nothing offloaded, `convolutions`, `all` and the fewest
/// of the largest layers, found by bisection, each with the plan's prefetch and without any; and each with the fastest
/// algorithms or, where these do not fit, with as many as do, layers that save most first. Of equally fast ones that with
/// the least on the host. Where none fits, what needs the least of the device. Where the plan names algorithms, these stay.
/// Any other policy stays.
void settle_offload(Job& job, const CostModel& costs);

/// Lines that begin with '#': a policy each, with memory, time and how many convolutions have which
/// algorithm. "" without trials.
std::string offload_table(const Job& job, const std::vector<OffloadTrial>& trials);

}  // namespace tandem
