#pragma once
// What the automatic scheduler must know of a job, from a Program of it and its prices.

#include <span>
#include <vector>

#include "plan/automatic_schedule.hpp"
#include "plan/prices.hpp"
#include "plan/program.hpp"
#include "tools/job.hpp"

namespace tandem {

/// The costs of the stages of a Program lowered from `grid`. A stage takes as long as its slowest worker computes, and
/// a message as long as its slowest channel alone; collectives inside a stage's steps and shared links are left out.
/// What one micro-batch keeps are the segments' buffers, where the Program has split backwards of I and of W; else all
/// of B is in I, and schedules should leave it whole.
/// A rank's budget is what of `capacity` (by pipeline rank, of one worker) remains beside everything else that its
/// fullest worker holds at its peak: weights, messages, workspaces. As another order may have more messages under way,
/// a schedule that is found should be lowered and its script_peaks() looked at.
ScheduleCosts schedule_costs(const Program& program, const Prices& prices, const Grid& grid,
                             std::span<const Bytes> capacity);

/// Settles a searched schedule but `auto`: searches the order for the job's cuts, by the predicted times of its stages
/// and messages and by what its devices have left for activations, and leaves it in job.found. Any other schedule stays.
void settle_schedule(Job& job, const CostModel& costs, const JobOptions& options);

/// The same figures of a row of the table that has one copy of each stage, in job.found; nothing where there are more
/// copies, or where the job has no room.
void judge_table_schedule(Job& job, const CostModel& costs, const JobOptions& options);

/// By stage: the rank that runs it. Throws InputError where a stage lives on several.
std::vector<std::uint32_t> ranks_of_stages(const Grid& grid);

}  // namespace tandem
