#pragma once
// The functions behind the rows of the schedule table, one file each.

#include "plan/schedule.hpp"

namespace tandem {

Grid sequential_order(const ScheduleShape& shape);
Grid gpipe_order(const ScheduleShape& shape);
Grid one_forward_one_backward_order(const ScheduleShape& shape);

}  // namespace tandem
