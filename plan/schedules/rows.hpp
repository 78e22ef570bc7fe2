#pragma once
// The functions behind the rows of the schedule table, one file each.

#include <string_view>

#include "plan/schedule.hpp"

namespace tandem {

Grid sequential_order(const ScheduleShape& shape);
Grid gpipe_order(const ScheduleShape& shape);
Grid reversed_gpipe_order(const ScheduleShape& shape);
Grid one_forward_one_backward_order(const ScheduleShape& shape);
Grid interleaved_order(const ScheduleShape& shape);
Grid zero_bubble_h1_order(const ScheduleShape& shape);
Grid zero_bubble_h2_order(const ScheduleShape& shape);
Grid zero_bubble_v_order(const ScheduleShape& shape);
Grid v_half_order(const ScheduleShape& shape);
Grid v_min_order(const ScheduleShape& shape);
/// An even number of ranks; an even number of micro-batches, at least two for each rank.
Grid dual_pipe_order(const ScheduleShape& shape);
/// At least two micro-batches for each rank.
Grid dual_pipe_v_order(const ScheduleShape& shape);
/// An even number of ranks.
Grid chimera_order(const ScheduleShape& shape);
Grid hanayo_order(const ScheduleShape& shape);

inline std::uint32_t two_stages_per_rank(const ScheduleShape& shape) { return 2 * shape.ranks; }
/// Throws InputError where there are too many.
std::uint32_t chunks_per_rank(const ScheduleShape& shape);

/// Throws InputError.
void require_even_ranks(std::string_view schedule, const ScheduleShape& shape);
void require_two_micro_batches_per_rank(std::string_view schedule, const ScheduleShape& shape);

}  // namespace tandem
