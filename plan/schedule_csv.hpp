#pragma once
// Schedules as files: the CSV of PyTorch's pipelining (torch.distributed.pipelining, format "compute_only").
//
// A row per rank, a cell per step in order: `2F0` is stage 2, forward, micro-batch 0; `0B1` a whole backward; `2I0` and
// `2W0` its halves. Empty cells are time in which the rank waits; they mean nothing when read.

#include <cstdint>
#include <string>
#include <string_view>

#include "base/units.hpp"
#include "plan/schedule.hpp"

namespace tandem {

/// Larger schedule files are refused.
inline constexpr Bytes kScheduleBytesMax{64 << 20};

/// `name` is the file's, for messages. Throws InputError with line, column and cell: unknown cells, whatever
/// find_fault() finds, dead-locks. Micro-batches are those that the cells name, from 0.
Grid read_schedule_csv(std::string_view text, std::string_view name);
/// The same of the file's text.
Grid load_schedule_csv(const std::string& path);
/// With empty cells where a rank waits when every step takes one slot. The grid must be free of faults and dead-locks.
std::string write_schedule_csv(const Grid& grid);

/// Whether a plan's `schedule` is the path of a file: it ends in ".csv".
bool is_schedule_file(std::string_view schedule);
/// Of a row of the table, or of a file. Throws InputError where there is none such, where the shape does not suit the
/// row, and where the file has another number of ranks or micro-batches.
Grid grid_of(const std::string& schedule, const ScheduleShape& shape);
/// Ranks and micro-batches that a grid has; chunks as many as its first rank has stages.
ScheduleShape shape_of(const Grid& grid);

}  // namespace tandem
