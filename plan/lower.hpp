#pragma once
// Lowering: a plan and its partition become the Program.

#include <vector>

#include "plan/plan.hpp"
#include "plan/program.hpp"
#include "plan/schedule.hpp"

namespace tandem {

/// `cuts`: layer indices where stages begin (pipeline - 1 of them); `devices`: where each rank lives.
/// Throws InputError when the plan passes the limit on steps (counted first, in no time), when the schedule is unknown,
/// or when a stage shares more than one tied parameter with other stages.
Program lower(const Plan& plan, const Model& model, const std::vector<std::size_t>& cuts,
              const std::vector<DeviceId>& devices);
/// The same for an order of one's own. Throws InputError naming the step where it misses or repeats one, runs B before
/// F, runs micro-batches in another order than a neighbour, or dead-locks.
Program lower(const Plan& plan, const Model& model, const std::vector<std::size_t>& cuts,
              const std::vector<DeviceId>& devices, const Grid& grid);

/// At least as many steps as lower() would make; more than that by those of ties that the model has not, and by
/// messages of gradients that nothing wants. Throws InputError beyond kStepLimit.
std::int64_t count_steps(const Plan& plan);
inline constexpr std::int64_t kStepLimit = 100'000'000;

}  // namespace tandem
