#pragma once
// Lowering: a plan and its partition become the Program.

#include <functional>
#include <span>
#include <vector>

#include "plan/plan.hpp"
#include "plan/program.hpp"
#include "plan/schedule.hpp"
#include "plan/shard.hpp"

namespace tandem {

/// Chooses the algorithm of a collective among workers on these devices, by rank in the group; it may set
/// shape.ranks_per_node first.
using CollectiveChooser =
    std::function<const CollectiveAlgorithm&(CollectiveShape& shape, std::span<const DeviceId> members)>;

struct LowerOptions {
  const Grid* grid = nullptr;   ///< an order of one's own instead of the plan's schedule
  CollectiveChooser choose{};   ///< absent: the plan's, or `ring` where it says auto
};

/// `cuts`: layer indices where stages begin (one fewer than the schedule has stages); `devices`: where each rank of the
/// mesh lives. Where an order needs more messages under way than the plan's window, the window is widened.
/// Throws InputError when the plan passes the limit on steps (counted first, in no time), when the schedule is unknown,
/// when sizes do not divide among the ranks (see shard()), or when a stage shares more than one tied parameter with
/// other stages; for an order of one's own also where it misses or repeats a step, runs B before F, runs micro-batches
/// in another order than a neighbour, or dead-locks.
Program lower(const Plan& plan, const Model& model, const std::vector<std::size_t>& cuts,
              const std::vector<DeviceId>& devices, const LowerOptions& options = {});
Program lower(const Plan& plan, const Model& model, const std::vector<std::size_t>& cuts,
              const std::vector<DeviceId>& devices, const Grid& grid);

/// At least as many steps as a plan without tensor or spatial ranks would make. Throws InputError beyond kStepLimit.
std::int64_t count_steps(const Plan& plan);
inline constexpr std::int64_t kStepLimit = 100'000'000;

}  // namespace tandem
