#pragma once
// Pipeline schedules as rows of a table: for each rank, the order of its forward and backward steps.

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "plan/program.hpp"

namespace tandem {

/// One cell of a schedule: `2F0` is stage 2, forward, micro-batch 0; `2B0` its backward, which may be split into `2I0`
/// (the gradients of inputs) and `2W0` (those of weights).
struct Action {
  std::uint32_t stage;
  StepKind kind;
  std::uint32_t micro_batch;
  bool operator==(const Action&) const = default;
};

struct ScheduleShape {
  std::uint32_t ranks;
  std::uint32_t micro_batches;
  std::uint32_t chunks = 1;  ///< stages per rank, for the schedules that let the user choose
};

/// By rank, in order. A rank may run several stages, and a stage may live on several ranks, each of which has its own
/// copy of the weights and runs its own micro-batches of it (bidirectional pipelines): a micro-batch runs a stage's F, B,
/// I and W all on one rank.
using Grid = std::vector<std::vector<Action>>;

/// When weights change.
enum class Updates : std::uint8_t {
  at_flush,          ///< once, when all gradients of the iteration are complete: synchronous
  each_micro_batch,  ///< after each backward, on stashed versions of the weights (1806.03377)
  double_buffered,   ///< after each group of as many micro-batches as there are ranks, two versions (2006.09503)
};

struct Schedule {
  std::string_view name;
  std::string_view meaning;
  std::string_view source;  ///< paper
  Grid (*order)(const ScheduleShape&);  ///< throws InputError where the shape does not suit, saying which would
  /// Stages of the model under this shape; null: one per rank.
  std::uint32_t (*stages)(const ScheduleShape&) = nullptr;
  Updates updates = Updates::at_flush;
  bool vertical_sync = false;  ///< all stages use the version with which the first one ran the micro-batch
};

/// Sorted by name.
std::span<const Schedule> schedules();
/// Throws InputError with a "did you mean".
const Schedule& find_schedule(std::string_view name);
/// Stages of the model that the schedule runs under this shape.
std::uint32_t stage_count(const Schedule& schedule, const ScheduleShape& shape);
/// Stages that the grid's actions speak of: one more than the largest.
std::uint32_t stage_count(const Grid& grid);

/// The cell as text: "2F0".
std::string to_text(const Action& action);
/// Places the actions on whole time slots (each action one slot, after its predecessors): rows of cells, "" = idle.
/// A row ends with its rank's last action. Throws InputError naming the steps at which a dead-lock leaves the ranks.
std::vector<std::vector<std::string>> time_grid(const Grid& grid);

}  // namespace tandem
