#include "tools/schedule_choice.hpp"

#include <algorithm>
#include <optional>
#include <string_view>
#include <utility>

#include "base/error.hpp"
#include "plan/memory_script.hpp"
#include "plan/plan_schedule.hpp"
#include "sim/simulate.hpp"
#include "tools/automatic_schedule.hpp"
#include "tools/device_memory.hpp"

namespace tandem {
namespace {

Plan with_schedule(const Plan& plan, std::string_view schedule) {
  Plan other = plan;
  other.schedule = schedule;
  return other;
}

/// By stage, the rank that runs it; none where the shape does not suit.
std::vector<std::uint32_t> placement(const Plan& plan) {
  try {
    return ranks_of_stages(schedule_grid(plan));
  } catch (const InputError&) {
    return {};
  }
}

Picoseconds predicted(const Job& job, const CostModel& costs, NetworkMode network) {
  const Prices prices = price(job.program, *job.model, job.cluster, costs, job.plan.optimizer, network);
  return simulate(job.program, prices, {false, false}).makespan();
}

/// Bytes of the device, or of the worker, that lacks most.
std::int64_t lacking(const Job& job, std::optional<Bytes> worker_memory) {
  const DeviceNeed need = tightest(memory_needs(job));
  std::int64_t most = std::max<std::int64_t>(0, need.needed.count - need.usable.count);
  if (worker_memory)
    for (const MemoryPeak& peak : script_peaks(job.program))
      most = std::max(most, peak.total.count - worker_memory->count);
  return most;
}

/// Alternatives as they are tried.
class Comparison {
 public:
  Comparison(const Model& model, const Cluster& cluster, const CostModel& costs, const JobOptions& options)
      : model_(model), cluster_(cluster), costs_(costs), options_(options) {}

  void add(const Plan& plan) {
    ScheduleTrial trial{plan.schedule};
    try {
      Job job = make_job(plan, std::make_unique<const Model>(model_), cluster_, costs_, options_);
      trial.iteration = predicted(job, costs_, options_.network);
      trial.lacking = lacking(job, options_.worker_memory);
      if (!best_ || rank(trial) < rank(trials_[shortest_])) shortest_ = trials_.size(), best_ = std::move(job);
    } catch (const InputError& error) {
      if (trials_.empty()) refusal_ = error;
      const std::string_view what = error.what();
      trial.refusal = what.substr(what.starts_with("error: ") ? 7 : 0);
    }
    trials_.push_back(std::move(trial));
  }

  Job result() && {
    if (!best_) throw *refusal_;
    best_->trials = std::move(trials_);
    if (!best_->found) judge_table_schedule(*best_, costs_, options_);
    return std::move(*best_);
  }

 private:
  static std::pair<std::int64_t, Picoseconds> rank(const ScheduleTrial& trial) { return {trial.lacking, trial.iteration}; }

  const Model& model_;
  const Cluster& cluster_;
  const CostModel& costs_;
  const JobOptions& options_;
  std::vector<ScheduleTrial> trials_;
  std::size_t shortest_ = 0;
  std::optional<Job> best_;
  std::optional<InputError> refusal_;  ///< the first alternative's
};

}  // namespace

std::vector<Plan> schedule_alternatives(const Plan& plan) {
  if (!leaves_schedule_open(plan)) return {plan};
  std::vector<Plan> plans;
  std::vector<std::vector<std::uint32_t>> known;
  for (const SearchedSchedule& row : searched_schedules().subspan(1)) {
    plans.push_back(with_schedule(plan, row.name));
    known.push_back(placement(plans.back()));
    if (std::ranges::count(known, known.back()) > 1) plans.pop_back();
  }
  for (const Schedule& row : schedules())
    if (row.updates == Updates::at_flush) plans.push_back(with_schedule(plan, row.name));
  return plans;
}

Job compare_schedules(Plan plan, const Model& model, const Cluster& cluster, const CostModel& costs,
                      const JobOptions& options) {
  plan = settle_layouts(plan, model, cluster, costs);
  const std::vector<Plan> plans = schedule_alternatives(plan);
  Comparison comparison(model, cluster, costs, options);
  for (std::size_t i = 0; i < plans.size(); ++i) {
    if (options.progress) options.progress(static_cast<std::int64_t>(i), std::ssize(plans), plans[i].schedule);
    comparison.add(plans[i]);
  }
  return std::move(comparison).result();
}

const ScheduleTrial* best_of_table(const std::vector<ScheduleTrial>& trials) {
  const ScheduleTrial* best = nullptr;
  for (const ScheduleTrial& trial : trials) {
    const bool of_table = std::ranges::find(searched_schedules(), trial.schedule, &SearchedSchedule::name) ==
                          searched_schedules().end();
    if (of_table && trial.fits() && (best == nullptr || trial.iteration < best->iteration)) best = &trial;
  }
  return best;
}

}  // namespace tandem
