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
  return lower(job.plan, *job.model, job.cuts, job.devices, options);
}

OffloadTrial measured(const Job& job, const CostModel& costs) {
  OffloadTrial trial{job.plan.offload, {}, {}, {}, true};
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

std::string policy_of(const std::vector<std::string>& layers, std::size_t count) {
  return fmt::format("layers:{}", fmt::join(layers.begin(), layers.begin() + static_cast<std::ptrdiff_t>(count), ","));
}

/// The fewest of the largest layers that fit; the last trial where not even all do.
OffloadTrial fewest_layers(Job& job, const CostModel& costs) {
  const std::vector<std::string> layers = layers_by_size(*job.model);
  std::size_t low = 1, high = layers.size();
  OffloadTrial best = try_offload(job, policy_of(layers, high), costs);
  while (best.fits && low < high) {
    const std::size_t middle = (low + high) / 2;
    OffloadTrial trial = try_offload(job, policy_of(layers, middle), costs);
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

}  // namespace

OffloadTrial try_offload(Job& job, const std::string& policy, const CostModel& costs) {
  std::string own_policy = std::exchange(job.plan.offload, policy);
  Program own = std::exchange(job.program, lowered(job));
  OffloadTrial trial = measured(job, costs);
  job.program = std::move(own);
  job.plan.offload = std::move(own_policy);
  return trial;
}

std::vector<OffloadTrial> offload_trials(Job& job, const CostModel& costs) {
  if (job.plan.offload == "none") return {};
  std::vector<std::string> policies{"none", "convolutions", "all", "stage"};
  if (std::ranges::find(policies, job.plan.offload) == policies.end()) policies.push_back(job.plan.offload);
  std::vector<OffloadTrial> trials;
  for (const std::string& policy : policies) trials.push_back(try_offload(job, policy, costs));
  return trials;
}

void settle_offload(Job& job, const CostModel& costs) {
  if (parse_offload(job.plan.offload).kind != Offload::Kind::dynamic) return;
  OffloadTrial best = try_offload(job, "none", costs);
  if (!best.fits) {
    for (const std::string policy : {"convolutions", "all"})
      if (OffloadTrial trial = try_offload(job, policy, costs); better(trial, best)) best = std::move(trial);
    if (OffloadTrial trial = fewest_layers(job, costs); better(trial, best)) best = std::move(trial);
  }
  job.plan.offload = best.policy;
}

std::string offload_table(const std::vector<OffloadTrial>& trials) {
  if (trials.empty()) return "";
  std::string text = fmt::format("#\n# {:>10} {:>10} {:>10}  {:<6} offload\n", "iteration", "device", "host", "fits");
  for (const OffloadTrial& trial : trials) {
    constexpr std::size_t kShown = 70;
    const std::string policy = trial.policy.size() > kShown ? trial.policy.substr(0, kShown) + " ..." : trial.policy;
    text += fmt::format("# {:>10} {:>10} {:>10}  {:<6} {}\n", time_text(trial.iteration), to_text(trial.device),
                        to_text(trial.host), trial.fits ? "yes" : "no", policy);
  }
  return text;
}

}  // namespace tandem
