#pragma once
// Lowering: a plan and its partition become the Program.

#include <vector>

#include "plan/plan.hpp"
#include "plan/program.hpp"
#include "plan/schedule.hpp"

namespace tandem {

/// `cuts`: layer indices where stages begin (pipeline - 1 of them); `devices`: where each rank lives.
/// Throws InputError when the schedule's order dead-locks or a limit on steps is passed (counted first, in no time).
Program lower(const Plan& plan, const Model& model, const std::vector<std::size_t>& cuts,
              const std::vector<DeviceId>& devices);
/// The same for an order of one's own.
Program lower(const Plan& plan, const Model& model, const std::vector<std::size_t>& cuts,
              const std::vector<DeviceId>& devices, const Grid& grid);

/// Steps that lower() would make.
std::int64_t count_steps(const Plan& plan);
inline constexpr std::int64_t kStepLimit = 100'000'000;

}  // namespace tandem
