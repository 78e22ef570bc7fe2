#include "tools/fit.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <memory>

#include "base/error.hpp"
#include "plan/lower.hpp"
#include "plan/schedule.hpp"
#include "timeline/memory_peak.hpp"
#include "tools/memory_advice.hpp"

namespace tandem {
namespace {

std::optional<Plan> single_samples(const Plan& plan, const Plan&, const Cluster&) {
  Plan next = plan;
  next.micro_batches *= next.micro_batch_size;
  next.micro_batch_size = 1;
  return next;
}

/// As the user's plan says, or each block of the model.
std::optional<Plan> recompute(const Plan& plan, const Plan& asked, const Cluster&) {
  Plan next = plan;
  next.recompute = asked.recompute == "none" ? "block" : asked.recompute;
  return next;
}

/// Over the ranks that the user's plan has, or all devices.
std::optional<Plan> pipeline(const Plan& plan, const Plan& asked, const Cluster& cluster) {
  Plan next = plan;
  next.pipeline = asked.pipeline > 1 ? asked.pipeline : static_cast<std::int64_t>(cluster.device_count());
  next.schedule = asked.schedule;
  if (next.pipeline == 1) return {};
  return next;
}

/// Whether the schedule is a row of the table with one update an iteration, and as many stages as ranks.
bool is_plain(const std::string& schedule) {
  return std::ranges::any_of(schedules(), [&](const Schedule& row) {
    return row.name == schedule && row.updates == Updates::at_flush && row.stages == nullptr;
  });
}

/// As the user's plan says, or all of it; the optimizer's states, too, where there is one update an iteration.
std::optional<Plan> offload(const Plan& plan, const Plan& asked, const Cluster& cluster) {
  if (!reaches_host(cluster)) return {};
  Plan next = plan;
  next.offload = asked.offload == "none" || asked.offload == "dynamic" ? "all" : asked.offload;
  next.offload_optimizer = is_plain(plan.schedule) && plan.optimizer.states(plan.precision) > 0;
  return next;
}

/// Weights, gradients and optimizer states on the host, a bucket of the user's size at a time.
std::optional<Plan> stream(const Plan& plan, const Plan&, const Cluster& cluster) {
  if (!reaches_host(cluster) || !is_plain(plan.schedule)) return {};
  Plan next = plan;
  next.offload_weights = next.offload_optimizer = true;
  return next;
}

/// Over the replicas that the user's plan has, or as many as there are devices for; they share the samples.
std::optional<Plan> shard(const Plan& plan, const Plan& asked, const Cluster& cluster) {
  const auto devices = static_cast<std::int64_t>(cluster.device_count());
  Plan next = plan;
  next.replicas = asked.replicas > 1 ? asked.replicas : devices / plan.pipeline;
  next.zero = asked.zero > 0 ? asked.zero : 3;
  if (next.replicas < 2 || next.replicas * next.pipeline > devices || !is_plain(plan.schedule)) return {};
  std::int64_t& slices = next.micro_batches % next.replicas == 0 ? next.micro_batches : next.micro_batch_size;
  if (slices % next.replicas != 0) return {};
  slices /= next.replicas;
  return next;
}

constexpr FitTechnique kTechniques[] = {
    {"micro-batches of 1", single_samples},
    {"recompute", recompute},
    {"pipeline", pipeline},
    {"offload", offload},
    {"stream", stream},
    {"zero", shard},
};

struct Wanted {
  std::string technique;
  Plan plan;
};

std::vector<Wanted> wanted_rows(const Plan& asked, const Cluster& cluster) {
  std::vector<Wanted> rows{{"plain", plain_plan(asked)}};
  Plan together = plain_plan(asked);
  for (const FitTechnique& technique : fit_techniques()) {
    if (auto alone = technique.apply(plain_plan(asked), asked, cluster))
      rows.push_back({std::string(technique.name), std::move(*alone)});
    if (auto next = technique.apply(together, asked, cluster)) together = std::move(*next);
  }
  if (rows.size() > 2) rows.push_back({"all together", together});
  return rows;
}

/// By class at the peak, so that the classes add up to it.
MemoryPeak at_peak(const Job& job, WorkerId worker) {
  const PeakMoment moment = peak_moments(job.program)[index_of(worker)];
  MemoryPeak peak{{}, moment.total};
  for (const HeldBuffers& row : moment.held)
    peak.by_class[static_cast<std::size_t>(job.program.buffer_specs()[index_of(row.spec)].kind)] += row.bytes;
  return peak;
}

class DepthSearch {
 public:
  DepthSearch(const ModelFamily& family, const Cluster& cluster, const CostModel& costs, Wanted wanted)
      : family_(family), cluster_(cluster), costs_(costs), row_{std::move(wanted.technique), std::move(wanted.plan)} {}

  FitRow run() {
    std::int64_t low = 0, high = first_suitable();
    if (!row_.refusal.empty()) return std::move(row_);
    for (; trains(high); high *= 2) low = high;
    while (high - low > 1) {
      const std::int64_t middle = low + (high - low) / 2;
      (trains(middle) ? low : high) = middle;
    }
    return std::move(row_);
  }

 private:
  /// A model may be too shallow to be cut into stages; a plan that suits no depth says why the last did not.
  std::int64_t first_suitable() {
    for (std::int64_t depth = 1;; depth *= 2) {
      try {
        fits(depth);
        row_.refusal.clear();
        return depth;
      } catch (const InputError& error) {
        const std::string_view what = error.what();
        row_.refusal = what.substr(what.starts_with("error: ") ? 7 : 0);
      }
      if (row_.at_limit || family_.at(2 * depth).layer_count() > kDeepest) return depth;
    }
  }
  /// A budget of recomputation, say, may be too small for a deeper model.
  bool trains(std::int64_t depth) {
    try {
      return fits(depth);
    } catch (const InputError&) {
      return row_.at_limit = false;
    }
  }
  /// Steps that lowering must lay down, about: where tensors leave or weights are sharded, some for each layer.
  std::int64_t steps_of(const Model& model) const {
    const Plan& plan = row_.plan;
    const bool by_layer = plan.offload != "none" || plan.zero >= 2;
    const auto layers = static_cast<std::int64_t>(model.layer_count());
    return count_steps(plan) + (by_layer ? 4 * layers * plan.micro_batches * plan.replicas : 0);
  }
  bool fits(std::int64_t depth) {
    auto model = std::make_unique<const Model>(family_.at(depth));
    if (model->layer_count() > kDeepest) return row_.at_limit = true, false;
    if (const std::int64_t steps = steps_of(*model); steps > kMostFitSteps) {
      if (row_.parameters > 0) return row_.at_limit = true, false;
      throw InputError(fmt::format("an iteration has about {} steps, and the search tries at most {}", steps,
                                   kMostFitSteps));
    }
    const Job job = make_job(row_.plan, std::move(model), cluster_, costs_);
    const DeviceNeed need = tightest(device_needs(job));
    const bool trains = tightest(memory_needs(job)).fits();
    if (!trains && row_.parameters > 0) return row_.at_limit = false, false;
    row_.depth = trains ? depth : 0;
    row_.parameters = job.model->parameter_count();
    row_.tightest = need;
    row_.peak = at_peak(job, need.largest);
    return trains;
  }

  const ModelFamily& family_;
  const Cluster& cluster_;
  const CostModel& costs_;
  FitRow row_;
};

}  // namespace

std::span<const FitTechnique> fit_techniques() { return kTechniques; }

Plan plain_plan(const Plan& asked) {
  Plan plan = asked;
  plan.pipeline = plan.replicas = plan.tensor = plan.height = plan.width = 1;
  plan.zero = plan.shard_ranks = 0;
  plan.schedule = "sequential";
  plan.recompute = plan.offload = "none";
  plan.offload_optimizer = plan.offload_weights = false;
  plan.update_on = UpdateOn::device;
  plan.micro_batch_size *= plan.micro_batches;
  plan.micro_batches = 1;
  plan.cuts.clear();
  plan.model_fingerprint.reset();
  return plan;
}

std::vector<FitRow> largest_models(const ModelFamily& family, const Plan& asked, const Cluster& cluster,
                                   const CostModel& costs, Console& console) {
  std::vector<Wanted> wanted = wanted_rows(asked, cluster);
  Progress progress(console, "looking for the largest model", std::ssize(wanted));
  std::vector<FitRow> rows;
  for (Wanted& each : wanted) {
    progress.advance(std::ssize(rows), each.technique);
    rows.push_back(DepthSearch(family, cluster, costs, std::move(each)).run());
  }
  return rows;
}

}  // namespace tandem
