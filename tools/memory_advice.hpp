#pragma once
// What would make a plan fit: a table of changes, each tried by making the job anew, counting its bytes and simulating.

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "plan/prices.hpp"
#include "tools/console.hpp"
#include "tools/device_memory.hpp"
#include "tools/job.hpp"

namespace tandem {

/// A way to need less memory. All variants train on the same samples per iteration.
struct MemoryChange {
  std::string_view name;
  /// Ways to make this change, from the mildest to the strongest; none: it has been made already, or does not apply.
  std::vector<Plan> (*variants)(const Plan& plan, const Cluster& cluster);
};
/// The rows of the table: where a new technique joins.
std::span<const MemoryChange> memory_changes();

/// Whether every device says how it reaches its host's memory, which is not its own.
bool reaches_host(const Cluster& cluster);
/// Are the cores of all devices' hosts known?
bool computes_on_host(const Cluster& cluster);

/// What differs, as flags of the command line: "--micro-batches 32 --micro-batch-size 1".
std::string flags_between(const Plan& before, const Plan& after);

/// A plan that was tried.
struct TriedPlan {
  std::string change;   ///< names of the rows, joined by " and "
  Plan plan;
  DeviceNeed tightest;
  Seconds iteration;    ///< predicted; of those that fit
};

struct MemoryAdvice {
  Seconds iteration;              ///< of the plan itself, were memory no limit
  std::vector<TriedPlan> fits;    ///< the fastest of each change (or pair of changes), fastest first, three at most
  TriedPlan smallest;             ///< which needs least on its tightest device, of all that were tried
  std::size_t tried = 0;
};

/// Tries each change alone; where fewer than three of them fit, two at once; and all at once. A plan of more than
/// 500,000 steps is not tried, nor are more than 100 plans.
MemoryAdvice advise_memory(const Job& job, const CostModel& costs, NetworkMode network, Console& console);

/// One line for each change that fits, with its predicted cost; or the smallest figure that was found.
std::string advice_text(const Job& job, const MemoryAdvice& advice);

/// require_memory() with advice: the NoAnswer also lists what is alive at the peak and what would make the plan fit.
void require_memory(const Job& job, const CostModel& costs, NetworkMode network, Console& console);

}  // namespace tandem
