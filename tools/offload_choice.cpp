#include "tools/offload_choice.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <utility>

#include "plan/lower.hpp"
#include "plan/memory_script.hpp"
#include "plan/offload.hpp"
#include "plan/prices.hpp"
#include "sim/simulate.hpp"
#include "tools/collective_choice.hpp"
#include "tools/device_memory.hpp"
#include "tools/output.hpp"

namespace tandem {
namespace {

Program lowered(const Job& job) {
  LowerOptions options;
  options.choose = collective_chooser(job.plan, job.cluster);
  if (job.found) options.grid = &job.found->grid;
  return lower(job.plan, *job.model, job.cuts, job.devices, options);
}

OffloadTrial measured(const Job& job, const CostModel& costs) {
  OffloadTrial trial{{job.plan.offload, job.plan.offload_prefetch}, {}, {}, {}, true};
  for (const MemoryPeak& peak : script_peaks(job.program)) {
    trial.device = std::max(trial.device, peak.total);
    trial.host = std::max(trial.host, peak.by_class[static_cast<std::size_t>(BufferClass::host)]);
  }
  for (const DeviceNeed& need : device_needs(job)) trial.fits = trial.fits && need.fits();
  const Prices prices = price(job.program, *job.model, job.cluster, costs, job.plan.optimizer);
  trial.iteration = to_seconds(simulate(job.program, prices, {false, false}).makespan());
  return trial;
}

/// Layers by the size of their output, largest first: the first have the most to give.
std::vector<std::string> layers_by_size(const Model& model) {
  std::vector<const Layer*> order;
  for (const Layer& layer : model.layers()) order.push_back(&layer);
  std::ranges::stable_sort(order, std::greater{}, [](const Layer* layer) { return layer->output.bytes(1); });
  std::vector<std::string> names;
  for (const Layer* layer : order) names.push_back(layer->name);
  return names;
}

OffloadPolicy policy_of(const std::vector<std::string>& layers, std::size_t count, std::int64_t prefetch) {
  const auto first = layers.begin();
  return {fmt::format("layers:{}", fmt::join(first, first + static_cast<std::ptrdiff_t>(count), ",")), prefetch};
}

/// The fewest of the largest layers that fit; the trial with all of them where not even that does.
OffloadTrial fewest_layers(Job& job, std::int64_t prefetch, const CostModel& costs) {
  const std::vector<std::string> layers = layers_by_size(*job.model);
  std::size_t low = 1, high = layers.size();
  OffloadTrial best = try_offload(job, policy_of(layers, high, prefetch), costs);
  while (best.fits && low < high) {
    const std::size_t middle = (low + high) / 2;
    OffloadTrial trial = try_offload(job, policy_of(layers, middle, prefetch), costs);
    if (trial.fits) best = std::move(trial), high = middle;
    else low = middle + 1;
  }
  return best;
}

bool better(const OffloadTrial& a, const OffloadTrial& b) {
  if (a.fits != b.fits) return a.fits;
  if (!a.fits) return a.device < b.device;
  return std::pair(a.iteration, a.host) < std::pair(b.iteration, b.host);
}

/// The plan's, and none.
std::vector<std::int64_t> prefetches(const Plan& plan) {
  if (plan.offload_prefetch == 0) return {0};
  return {plan.offload_prefetch, 0};
}

}  // namespace

OffloadTrial try_offload(Job& job, const OffloadPolicy& policy, const CostModel& costs) {
  const OffloadPolicy own{job.plan.offload, job.plan.offload_prefetch};
  const auto set = [&job](const OffloadPolicy& fields) {
    job.plan.offload = fields.offload;
    job.plan.offload_prefetch = fields.prefetch;
  };
  set(policy);
  Program own_program = std::exchange(job.program, lowered(job));
  OffloadTrial trial = measured(job, costs);
  job.program = std::move(own_program);
  set(own);
  return trial;
}

std::vector<OffloadTrial> offload_trials(Job& job, const CostModel& costs) {
  if (job.plan.offload == "none") return {};
  std::vector<OffloadPolicy> policies{{"none", job.plan.offload_prefetch}};
  for (const std::string name : {"convolutions", "all", "stage"})
    for (const std::int64_t prefetch : prefetches(job.plan)) policies.push_back({name, prefetch});
  if (const OffloadPolicy own{job.plan.offload, job.plan.offload_prefetch};
      std::ranges::find(policies, own) == policies.end())
    policies.push_back(own);
  std::vector<OffloadTrial> trials;
  for (const OffloadPolicy& policy : policies) trials.push_back(try_offload(job, policy, costs));
  return trials;
}

void settle_offload(Job& job, const CostModel& costs) {
  if (parse_offload(job.plan.offload).kind != Offload::Kind::dynamic) return;
  OffloadTrial best = try_offload(job, {"none", job.plan.offload_prefetch}, costs);
  const auto offer = [&best](OffloadTrial trial) {
    if (better(trial, best)) best = std::move(trial);
  };
  if (!best.fits)
    for (const std::int64_t prefetch : prefetches(job.plan)) {
      for (const std::string name : {"convolutions", "all"}) offer(try_offload(job, {name, prefetch}, costs));
      offer(fewest_layers(job, prefetch, costs));
    }
  job.plan.offload = best.policy.offload;
  job.plan.offload_prefetch = best.policy.prefetch;
}

std::string offload_table(const std::vector<OffloadTrial>& trials) {
  if (trials.empty()) return "";
  std::string text = fmt::format("#\n# {:>10} {:>10} {:>10}  {:<5} {:>8}  offload\n", "iteration", "device", "host",
                                 "fits", "prefetch");
  for (const OffloadTrial& trial : trials) {
    constexpr std::size_t kShown = 60;
    std::string name = trial.policy.offload;
    if (name.size() > kShown) name = name.substr(0, kShown) + " ...";
    text += fmt::format("# {:>10} {:>10} {:>10}  {:<5} {:>8}  {}\n", time_text(trial.iteration), to_text(trial.device),
                        to_text(trial.host), trial.fits ? "yes" : "no", trial.policy.prefetch, name);
  }
  return text;
}

}  // namespace tandem
