#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <ostream>

#include "base/error.hpp"
#include "plan/grid_times.hpp"
#include "plan/lower.hpp"
#include "plan/plan_schedule.hpp"
#include "plan/schedule_csv.hpp"
#include "tools/output.hpp"
#include "tools/plan_options.hpp"
#include "tools/show.hpp"

namespace tandem {
namespace {

using Json = nlohmann::ordered_json;

/// A grid has at most a column for every step of every stage: as many as the sequential schedule.
void require_printable(const ScheduleShape& shape, std::uint32_t stages) {
  constexpr std::int64_t kMostCells = 10'000'000;
  if (shape.micro_batches <= kMostCells / shape.ranks / stages / 2) return;
  throw InputError("the grid is too large to print",
                   fmt::format("{} ranks x {} micro-batches", shape.ranks, shape.micro_batches),
                   fmt::format("at most {} cells", kMostCells));
}

Grid shown_grid(const Plan& plan) {
  if (is_schedule_file(plan.schedule)) return load_schedule_csv(plan.schedule);
  if (is_automatic(plan))
    throw InputError("an order that is searched for a model's times has no grid of its own", plan.schedule,
                     "a schedule of the table (tandem show schedules), or a file");
  count_steps(plan);
  const ScheduleShape shape{static_cast<std::uint32_t>(plan.pipeline), static_cast<std::uint32_t>(plan.micro_batches),
                            static_cast<std::uint32_t>(plan.chunks)};
  const Schedule& schedule = find_schedule(plan.schedule);
  require_printable(shape, stage_count(schedule, shape));
  return schedule.order(shape);
}

struct Figures {
  double bubble, own_bubble;         ///< where F, I and W take equally long and B twice as long
  std::vector<std::uint32_t> held;   ///< by rank: stages and micro-batches whose activations it holds at once
};

Figures figures_of(const Grid& grid) {
  const TimedGrid timed = timed_grid(grid, step_times(1, 1, 1));
  Figures figures{bubble_fraction(timed), own_bubble_fraction(timed), {}};
  for (const auto& row : grid) figures.held.push_back(most_held(row));
  return figures;
}

std::string row_text(std::size_t rank, const std::vector<std::string>& cells, std::size_t width) {
  std::string text = fmt::format("rank {:>3} |", rank);
  for (const std::string& cell : cells) text += fmt::format(" {:<{}}", cell, width);
  while (text.back() == ' ') text.pop_back();
  return text + '\n';
}

void print_grid(const Grid& grid, Console& console) {
  const auto rows = time_grid(grid);
  std::size_t width = 1;
  for (const auto& row : rows)
    for (const std::string& cell : row) width = std::max(width, cell.size());
  for (std::size_t rank = 0; rank < rows.size(); ++rank) console.out << row_text(rank, rows[rank], width);
  const Figures figures = figures_of(grid);
  console.out << fmt::format("bubble {:.1f} %, own {:.1f} %, where F, I and W take equally long, and B twice as long\n"
                             "stages and micro-batches held at once, by rank: {}\n",
                             100 * figures.bubble, 100 * figures.own_bubble, fmt::join(figures.held, " "));
}

}  // namespace

void show_schedules(const Arguments& arguments, Console& console) {
  Json rows = Json::array();
  std::size_t width = 0;
  for (const SearchedSchedule& row : searched_schedules()) width = std::max(width, row.name.size());
  for (const Schedule& schedule : schedules()) width = std::max(width, schedule.name.size());
  for (const Schedule& schedule : schedules()) {
    rows.push_back({{"name", std::string(schedule.name)},
                    {"meaning", std::string(schedule.meaning)},
                    {"source", std::string(schedule.source)}});
    if (!arguments.has("json"))
      console.out << fmt::format("{:<{}} {}\n{:<{}} {}\n", schedule.name, width, schedule.meaning, "", width,
                                 schedule.source);
  }
  if (arguments.has("json")) return print_json(console, rows);
  console.out << "searched for when a job's times are known:\n";
  for (const SearchedSchedule& row : searched_schedules())
    console.out << fmt::format("{:<{}} {}\n", row.name, width, row.meaning);
}

std::vector<Flag> schedule_flags() {
  return {{"csv", "", "print the schedule as PyTorch's pipelining reads it", "show schedule"}};
}

void show_schedule(const Arguments& all, Console& console) {
  Arguments arguments = all;
  arguments.drop_first_word();
  Plan fallback;
  fallback.pipeline = 4;
  const Plan plan = plan_from(arguments, fallback);
  const Grid grid = shown_grid(plan);
  if (arguments.has("csv")) {
    console.out << write_schedule_csv(grid);
    return;
  }
  if (!arguments.has("json")) return print_grid(grid, console);
  const Figures figures = figures_of(grid);
  print_json(console, {{"schedule", plan.schedule},
                       {"ranks", grid.size()},
                       {"stages", stage_count(grid)},
                       {"micro_batches", shape_of(grid).micro_batches},
                       {"bubble", figures.bubble},
                       {"own_bubble", figures.own_bubble},
                       {"held", figures.held},
                       {"grid", time_grid(grid)}});
}

}  // namespace tandem
