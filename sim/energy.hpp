#pragma once
// Energy of an iteration by device: idle power throughout, and the rise to peak power while it computes.

#include <span>
#include <vector>

#include "plan/prices.hpp"
#include "plan/program.hpp"
#include "plan/timeline.hpp"
#include "sim/run_queue.hpp"

namespace tandem {

/// idle x makespan + (peak - idle) x busy, where busy is
///   - for a device whose workers share its cores: core-seconds / cores, copies included, as they take cores too;
///   - otherwise the busy time of its workers' compute streams, averaged over the workers on it.
/// By DeviceId; 0 for a device without power figures, and empty where no device has them. `timeline.spans` must be
/// filled.
std::vector<Joules> energy_of(const Program& program, const Prices& prices, const Timeline& timeline,
                              std::span<const RunQueue> resources);

}  // namespace tandem
