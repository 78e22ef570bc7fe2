#include "tools/schedule_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <tuple>

#include "tools/output.hpp"
#include "tools/schedule_choice.hpp"

namespace tandem {
namespace {

using Json = nlohmann::ordered_json;

double above(Picoseconds time, Picoseconds bound) {
  return 100 * (static_cast<double>(time.count) / static_cast<double>(bound.count) - 1);
}

/// How far from the shortest possible a schedule that was searched for can be.
std::string search_text(const Job& job) {
  if (!job.found) return job.trials.empty() ? "" : "\nno lower bound is known of its stages on these ranks";
  const FoundSchedule& found = *job.found;
  std::string text = fmt::format("\nits steps and messages: {}; no order of its stages is shorter than {} (at most {:.2f} % above)",
                                 to_text(to_seconds(found.makespan)), to_text(to_seconds(found.lower_bound)),
                                 above(found.makespan, found.lower_bound));
  if (!found.best_of_table.empty())
    text += fmt::format("; of the table, with the same stages: {}, {}", found.best_of_table,
                        to_text(to_seconds(found.table_makespan)));
  return text;
}

/// What `auto` became, and of how many.
std::string choice_text(const Job& job) {
  if (job.trials.empty()) return "";
  const auto fitting = std::ranges::count_if(job.trials, &ScheduleTrial::fits);
  const auto own = std::ranges::find(job.trials, job.plan.schedule, &ScheduleTrial::schedule);
  std::string text = fmt::format("\nauto: {}, an iteration of {}, ", own->schedule, time_text(to_seconds(own->iteration)));
  if (fitting == 0) return text + fmt::format("lacks the least memory of {} schedules", job.trials.size());
  text += fmt::format("the shortest of the {} of {} schedules that suit and fit", fitting, job.trials.size());
  if (const ScheduleTrial* table = best_of_table(job.trials))
    text += fmt::format("; best of the table: {}, {}", table->schedule, time_text(to_seconds(table->iteration)));
  return text;
}

}  // namespace

std::string schedule_text(const Job& job) { return choice_text(job) + search_text(job); }

std::string schedule_trials_text(const Job& job) {
  if (job.trials.empty()) return "";
  std::vector<const ScheduleTrial*> order;
  for (const ScheduleTrial& trial : job.trials) order.push_back(&trial);
  const auto rank = [](const ScheduleTrial* trial) {
    return std::tuple(!trial->refusal.empty(), trial->lacking > 0, trial->iteration);
  };
  std::ranges::stable_sort(order, {}, rank);
  std::string text = fmt::format("#\n# {:>10}  {:<5}  schedule\n", "iteration", "fits");
  for (const ScheduleTrial* trial : order) {
    if (!trial->refusal.empty()) text += fmt::format("# {:>10}  {:<5}  {}: {}\n", "-", "-", trial->schedule, trial->refusal);
    else
      text += fmt::format("# {:>10}  {:<5}  {}\n", time_text(to_seconds(trial->iteration)), trial->fits() ? "yes" : "no",
                          trial->schedule);
  }
  return text;
}

Json schedule_search_json(const Job& job) {
  if (!job.found) return nullptr;
  const FoundSchedule& found = *job.found;
  Json json{{"predicted_s", to_seconds(found.makespan).value}, {"lower_bound_s", to_seconds(found.lower_bound).value}};
  json["best_of_table"] = found.best_of_table.empty() ? Json(nullptr) : Json(found.best_of_table);
  if (!found.best_of_table.empty()) json["best_of_table_s"] = to_seconds(found.table_makespan).value;
  return json;
}

Json schedule_trials_json(const Job& job) {
  if (job.trials.empty()) return nullptr;
  Json rows = Json::array();
  for (const ScheduleTrial& trial : job.trials) {
    const bool made = trial.refusal.empty();
    rows.push_back({{"schedule", trial.schedule},
                    {"iteration_s", made ? Json(to_seconds(trial.iteration).value) : Json(nullptr)},
                    {"lacking_bytes", made ? Json(trial.lacking) : Json(nullptr)},
                    {"refusal", made ? Json(nullptr) : Json(trial.refusal)}});
  }
  return rows;
}

}  // namespace tandem
