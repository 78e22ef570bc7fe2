// Is an order of one's own a schedule at all?

#include <fmt/format.h>

#include "base/error.hpp"
#include "plan/grid_fault.hpp"
#include "plan/lowering.hpp"

namespace tandem {

void check_grid(const Grid& grid, const ScheduleShape& shape) {
  if (grid.size() != shape.ranks)
    throw InputError("the schedule has another number of ranks than the plan", fmt::format("{} ranks", grid.size()),
                     fmt::format("{}", shape.ranks));
  if (const std::optional<GridFault> fault = find_fault(grid, shape.micro_batches))
    throw InputError(fault->problem, fault->got, fault->want);
}

}  // namespace tandem
