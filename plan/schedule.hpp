#pragma once
// Pipeline schedules as rows of a table: for each rank, the order of its forward and backward steps.

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "plan/program.hpp"

namespace tandem {

/// One cell of a schedule: `2F0` is stage 2, forward, micro-batch 0.
struct Action {
  std::uint32_t stage;
  StepKind kind;
  std::uint32_t micro_batch;
  bool operator==(const Action&) const = default;
};

struct ScheduleShape {
  std::uint32_t ranks;
  std::uint32_t micro_batches;
};

using Grid = std::vector<std::vector<Action>>;  ///< by rank, in order

struct Schedule {
  std::string_view name;
  std::string_view meaning;
  std::string_view source;  ///< paper
  Grid (*order)(const ScheduleShape&);
};

/// Sorted by name.
std::span<const Schedule> schedules();
/// Throws InputError with a "did you mean".
const Schedule& find_schedule(std::string_view name);

/// The cell as text: "2F0".
std::string to_text(const Action& action);
/// Places the actions on whole time slots (each action one slot, after its predecessors): rows of cells, "" = idle.
/// A row ends with its rank's last action. Throws InputError naming the steps at which a dead-lock leaves the ranks.
std::vector<std::vector<std::string>> time_grid(const Grid& grid);

}  // namespace tandem
