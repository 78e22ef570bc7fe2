#pragma once
// Do ranks exchange micro-batches in the order in which they are wanted?

#include <optional>

#include "plan/grid_fault.hpp"

namespace tandem {

/// Between each rank that runs a stage and each that runs the next, micro-batches must pass in the same order on both,
/// forwards and backwards; the cell is the later stage's. Each stage runs each micro-batch once.
std::optional<GridFault> find_crossed_order(const Grid& grid);

}  // namespace tandem
