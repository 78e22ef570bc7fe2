// Which plans may shard weights, gradients and optimizer state over their replicas, and keep them on the host.

#include <fmt/format.h>

#include <algorithm>

#include "base/error.hpp"
#include "plan/lowering.hpp"

namespace tandem {

namespace {

/// Of what is kept on the host.
void check_streaming(const Plan& plan, std::size_t rounds) {
  if (rounds > 1 && plan.update_on == UpdateOn::host)
    throw InputError("update_on: the schedule updates weights more than once an iteration", plan.schedule,
                     "a synchronous schedule");
  if (!plan.offload_weights) return;
  if ((plan.zero == 1 || plan.zero == 2) && plan.update_on == UpdateOn::host)
    throw InputError("offload_weights: what the host has updated is gathered on the device, where it does not stay",
                     fmt::format("zero: {}", plan.zero), "update_on: device, or zero: 0 or 3");
}

bool every_stage_has_copies(const std::vector<Holder>& holders, std::size_t stages) {
  std::vector<std::size_t> copies(stages, 0);
  for (const Holder& holder : holders) ++copies[holder.stage];
  return std::ranges::all_of(copies, [](std::size_t count) { return count > 1; });
}

}  // namespace

void check_sharding(const Plan& plan, const std::vector<Holder>& holders, std::size_t stages,
                    std::size_t rounds) {
  check_streaming(plan, rounds);
  if (plan.zero == 0) {
    if (plan.shard_ranks != 0)
      throw InputError("replicas share one copy only where something is sharded", fmt::format("{}", plan.shard_ranks),
                       "zero: 1, 2 or 3");
    return;
  }
  if (plan.replicas == 1 && !every_stage_has_copies(holders, stages))
    throw InputError("there is one replica, so nothing to shard over", fmt::format("zero: {}", plan.zero),
                     "zero: 0, or more than one data-parallel rank");
  if (plan.replicas == 1 && plan.zero > 1)
    throw InputError("copies of a stage run other micro-batches, so of gradients and weights each has its own",
                     fmt::format("zero: {}", plan.zero), "zero: 0 or 1, or more than one data-parallel rank");
  if (plan.shard_ranks != 0 && (plan.shard_ranks == 1 || plan.replicas % plan.shard_ranks != 0))
    throw InputError("the replicas cannot be divided like this", fmt::format("{}", plan.shard_ranks),
                     fmt::format("a divisor of the {} replicas above 1, or 0 for all of them", plan.replicas));
}

}  // namespace tandem
