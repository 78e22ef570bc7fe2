#pragma once
// Which schedule `auto` is: each that the tool knows made into a job and simulated, and the shortest that fits.

#include <memory>
#include <string>
#include <vector>

#include "tools/job.hpp"

namespace tandem {

/// The plan under each search and each synchronous row of the table, in this order, without searches whose stages live
/// where an earlier one's do; a plan that leaves no schedule open alone. Not all of them need suit the plan.
std::vector<Plan> schedule_alternatives(const Plan& plan);

/// The job of the alternative with the shortest predicted iteration among those that fit the devices, each with its own
/// cuts, unless the plan gives some, and its own prices; of equals the first. Where none fits that which lacks least.
/// What was tried is in Job::trials, and in Job::found, where stages have no copies, how far from the shortest possible
/// the order is. Throws the first one's InputError where none suits.
Job compare_schedules(Plan plan, const Model& model, const Cluster& cluster, const CostModel& costs,
                      const JobOptions& options);

/// The shortest row of the table that suits and fits; null: none.
const ScheduleTrial* best_of_table(const std::vector<ScheduleTrial>& trials);

}  // namespace tandem
