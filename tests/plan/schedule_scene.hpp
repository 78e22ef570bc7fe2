#pragma once
// Grids of the table's schedules for tests, as text and as counts.

#include <algorithm>
#include <fstream>
#include <optional>
#include <sstream>
#include <string>

#include "base/error.hpp"
#include "plan/grid_fault.hpp"
#include "plan/grid_times.hpp"
#include "plan/schedule.hpp"
#include "tests/source_dir.hpp"

namespace tandem {

inline Grid grid_named(const std::string& name, const ScheduleShape& shape) { return find_schedule(name).order(shape); }

/// None where the schedule refuses the shape.
inline std::optional<Grid> grid_if_any(const Schedule& schedule, const ScheduleShape& shape) {
  try {
    return schedule.order(shape);
  } catch (const InputError&) {
    return std::nullopt;
  }
}

/// The makespan beyond the time for which a rank is busy with `chunks` stages of m micro-batches.
inline std::int64_t bubble(const Grid& grid, const StepTimes& times, std::int64_t chunks, std::int64_t micro_batches) {
  return makespan(timed_grid(grid, times)) - chunks * micro_batches * (times.forward + times.backward);
}

inline std::uint32_t most_held_anywhere(const Grid& grid) {
  std::uint32_t most = 0;
  for (const auto& row : grid) most = std::max(most, most_held(row));
  return most;
}

/// One line per rank; idle slots are dots, cells are padded to the widest.
inline std::string text_of(const Grid& grid) {
  const auto rows = time_grid(grid);
  std::size_t width = 1;
  for (const auto& row : rows)
    for (const std::string& cell : row) width = std::max(width, cell.size());
  std::string text;
  for (const auto& row : rows) {
    std::string line;
    for (const std::string& cell : row) {
      const std::string shown = cell.empty() ? "." : cell;
      line += shown + std::string(width + 1 - shown.size(), ' ');
    }
    text += line.substr(0, line.find_last_not_of(' ') + 1) + "\n";
  }
  return text;
}

inline std::string golden_schedule(const std::string& file) {
  std::ifstream stream(source_dir() + "/tests/golden/" + file);
  std::stringstream text;
  text << stream.rdbuf();
  return text.str();
}

}  // namespace tandem
