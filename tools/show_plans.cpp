#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <ostream>

#include "base/error.hpp"
#include "plan/lower.hpp"
#include "plan/schedule.hpp"
#include "tools/asked_job.hpp"
#include "tools/output.hpp"
#include "tools/plan_options.hpp"
#include "tools/show.hpp"

namespace tandem {
namespace {

using Json = nlohmann::ordered_json;

Job shown_job(Arguments arguments, Console& console) {
  arguments.drop_first_word();
  return asked_job(arguments, Purpose::predict, console);
}

/// A grid has at most a column for every F and B of every rank: as many as the sequential schedule.
void require_printable(const Plan& plan) {
  constexpr std::int64_t kMostCells = 10'000'000;
  if (plan.micro_batches > kMostCells / plan.pipeline / plan.pipeline / 2)
    throw InputError("the grid is too large to print",
                     fmt::format("{} ranks x {} micro-batches", plan.pipeline, plan.micro_batches),
                     fmt::format("at most {} cells", kMostCells));
}

std::string row_text(std::size_t rank, const std::vector<std::string>& cells, std::size_t width) {
  std::string text = fmt::format("rank {:>3} |", rank);
  for (const std::string& cell : cells) text += fmt::format(" {:<{}}", cell, width);
  while (text.back() == ' ') text.pop_back();
  return text + '\n';
}

std::string step_text(const Program& program, StepId id) {
  std::string text = fmt::format("  {:>6}  {}", index_of(id), program.describe(id));
  std::string_view lead = "; after";
  for (const StepId earlier : program.after(id)) {
    text += fmt::format("{} {}", lead, index_of(earlier));
    lead = ",";
  }
  return text + '\n';
}

}  // namespace

void show_schedules(const Arguments& arguments, Console& console) {
  Json rows = Json::array();
  for (const Schedule& schedule : schedules()) {
    rows.push_back({{"name", std::string(schedule.name)},
                    {"meaning", std::string(schedule.meaning)},
                    {"source", std::string(schedule.source)}});
    if (!arguments.has("json"))
      console.out << fmt::format("{:<12} {}\n{:<12} {}\n", schedule.name, schedule.meaning, "", schedule.source);
  }
  if (arguments.has("json")) print_json(console, rows);
}

void show_schedule(const Arguments& all, Console& console) {
  Arguments arguments = all;
  arguments.drop_first_word();
  Plan fallback;
  fallback.pipeline = 4;
  const Plan plan = plan_from(arguments, fallback);
  count_steps(plan);
  require_printable(plan);
  const ScheduleShape shape{static_cast<std::uint32_t>(plan.pipeline), static_cast<std::uint32_t>(plan.micro_batches)};
  const auto grid = time_grid(find_schedule(plan.schedule).order(shape));
  if (arguments.has("json"))
    return print_json(console, {{"schedule", plan.schedule}, {"ranks", shape.ranks}, {"micro_batches", shape.micro_batches}, {"grid", grid}});
  std::size_t width = 1;
  for (const auto& row : grid)
    for (const std::string& cell : row) width = std::max(width, cell.size());
  for (std::size_t rank = 0; rank < grid.size(); ++rank) console.out << row_text(rank, grid[rank], width);
}

void show_plan(const Arguments& arguments, Console& console) {
  const Job job = shown_job(arguments, console);
  if (arguments.has("json")) return print_json(console, plan_json(job));
  console.out << write_plan(settled_plan(job));
}

void show_program(const Arguments& arguments, Console& console) {
  const Job job = shown_job(arguments, console);
  Json streams = Json::array();
  for (const Stream& stream : job.program.streams()) {
    const std::string& worker = job.program.workers()[index_of(stream.worker)].name;
    Json steps = Json::array();
    if (!arguments.has("json")) console.out << fmt::format("{} / {}\n", worker, name_of(stream.kind));
    for (std::uint32_t i = index_of(stream.first); i < index_of(stream.first) + stream.count; ++i) {
      const auto id = static_cast<StepId>(i);
      if (!arguments.has("json")) {
        console.out << step_text(job.program, id);
        continue;
      }
      Json after = Json::array();
      for (const StepId earlier : job.program.after(id)) after.push_back(index_of(earlier));
      steps.push_back({{"step", i},
                       {"kind", std::string(name_of(job.program.step(id).kind))},
                       {"text", job.program.describe(id)},
                       {"micro_batch", job.program.step(id).micro_batch},
                       {"after", after}});
    }
    streams.push_back({{"worker", worker}, {"stream", std::string(name_of(stream.kind))}, {"steps", steps}});
  }
  if (arguments.has("json")) print_json(console, {{"streams", streams}});
}

}  // namespace tandem
