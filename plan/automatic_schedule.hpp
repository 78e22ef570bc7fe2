#pragma once
// A scheduler of our own: searches the shortest iteration for given step times, messages and memory budgets.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "plan/schedule_evaluation.hpp"

namespace tandem {

struct AutomaticOptions {
  std::uint64_t seed = 1;
  /// Actions that the improvement may time, in all its trials: more take longer and find more.
  std::uint64_t effort = 100'000'000;
  bool split_backward = true;  ///< false: B stays whole
};

struct FoundSchedule {
  Grid grid;
  Picoseconds makespan;
  Picoseconds lower_bound;    ///< no schedule within the budgets is shorter
  std::string best_of_table;  ///< the shortest schedule of the table that suits and fits; empty: none
  Picoseconds table_makespan;
};

/// List scheduling with look-ahead, then improvement; exact where the search can be finished. Never longer than the
/// best schedule of the table with the same stages on the same ranks that keeps the budgets. The same input gives the
/// same grid, in which each stage runs each kind in the order of micro-batches. `rank_of_stage`: by stage; a rank may
/// have several. Throws InputError where a list has the wrong length, a rank has no stage, or a budget is below the
/// smallest possible, with that smallest figure.
FoundSchedule find_schedule_automatically(const ScheduleCosts& costs, const std::vector<std::uint32_t>& rank_of_stage,
                                          std::uint32_t ranks, std::uint32_t micro_batches,
                                          const AutomaticOptions& options = {});

/// The order judged as those that are found are; nothing where it does not keep the budgets. Errors as above.
std::optional<FoundSchedule> judge_schedule(const Grid& grid, const ScheduleCosts& costs,
                                            const std::vector<std::uint32_t>& rank_of_stage,
                                            std::uint32_t micro_batches);

}  // namespace tandem
