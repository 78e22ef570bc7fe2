#pragma once
// What keeps a grid from being a schedule, and at which cell.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "plan/schedule.hpp"

namespace tandem {

struct GridFault {
  std::size_t rank;
  std::size_t index;  ///< of the cell in the rank's row; the row's size: what is missing would come after it
  std::string problem, got, want;  ///< as of InputError
};

/// The first fault, in this order: a step of another kind or micro-batch, one that runs twice, B, I or W before what it
/// needs or on another rank, both B and its halves; a rank or a stage without steps; a step that is missing;
/// ranks that exchange micro-batches of one stage's output in different orders. A dead-lock is no fault of these.
std::optional<GridFault> find_fault(const Grid& grid, std::uint32_t micro_batches);

/// Names the steps at which ranks wait for ever, the first few of them; the cell is the first. The grid has no fault.
std::optional<GridFault> find_dead_lock(const Grid& grid);

/// Steps of each rank that run before all are stuck or done.
std::vector<std::size_t> steps_before_dead_lock(const Grid& grid);

}  // namespace tandem
