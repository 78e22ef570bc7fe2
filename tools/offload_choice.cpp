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

OffloadPolicy policy_of(const Plan& plan) { return {plan.offload, plan.offload_prefetch, plan.convolutions}; }

void set(Plan& plan, const OffloadPolicy& policy) {
  plan.offload = policy.offload;
  plan.offload_prefetch = policy.prefetch;
  plan.convolutions = policy.convolutions;
}

/// The job with another policy and its Program, for as long as this lives.
class Trying {
 public:
  Trying(Job& job, const OffloadPolicy& policy) : job_(job), own_(policy_of(job.plan)) {
    set(job_.plan, policy);
    program_ = std::exchange(job_.program, lowered(job_));
  }
  ~Trying() {
    job_.program = std::move(program_);
    set(job_.plan, own_);
  }
  Trying(const Trying&) = delete;
  Trying& operator=(const Trying&) = delete;

 private:
  Job& job_;
  OffloadPolicy own_;
  Program program_;
};

bool fits(const Job& job) { return std::ranges::all_of(memory_needs(job), &DeviceNeed::fits); }

bool fits(Job& job, const OffloadPolicy& policy) {
  const Trying trying(job, policy);
  return fits(std::as_const(job));
}

OffloadTrial measured(const Job& job, const CostModel& costs) {
  OffloadTrial trial{policy_of(job.plan), {}, {}, {}, true};
  for (const MemoryPeak& peak : script_peaks(job.program)) {
    trial.device = std::max(trial.device, peak.total);
    trial.host = std::max(trial.host, peak.by_class[static_cast<std::size_t>(BufferClass::host)]);
  }
  trial.fits = fits(job);
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

std::string first_layers(const std::vector<std::string>& layers, std::size_t count) {
  const auto first = layers.begin();
  return fmt::format("layers:{}", fmt::join(first, first + static_cast<std::ptrdiff_t>(count), ","));
}

/// The fewest of the largest layers with which the rest of the policy fits; all of them where not even that does.
OffloadPolicy fewest_layers(Job& job, OffloadPolicy policy) {
  const std::vector<std::string> layers = layers_by_size(*job.model);
  std::size_t low = 1, high = layers.size();
  const auto with = [&](std::size_t count) {
    policy.offload = first_layers(layers, count);
    return policy;
  };
  if (!fits(job, with(high))) return policy;
  while (low < high) {
    const std::size_t middle = (low + high) / 2;
    if (fits(job, with(middle))) high = middle;
    else low = middle + 1;
  }
  return with(high);
}

/// The policy, which fits, with a faster algorithm for each layer that has one that fits, too.
OffloadPolicy with_faster(Job& job, OffloadPolicy policy, const std::vector<FasterAlgorithms>& layers) {
  for (const FasterAlgorithms& layer : layers)
    for (const std::string_view algorithm : layer.algorithms) {
      policy.convolutions.emplace_back(layer.layer, algorithm);
      if (fits(job, policy)) break;
      policy.convolutions.pop_back();
    }
  sort_by_model(*job.model, policy.convolutions);
  return policy;
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

/// None where the plan has named algorithms already.
std::vector<FasterAlgorithms> open_choices(Job& job, const CostModel& costs) {
  if (!job.plan.convolution_algorithm.empty()) return {};
  const Trying trying(job, {"none", 0, {}});
  return faster_algorithms(job, job.program, costs);
}

}  // namespace

OffloadTrial try_offload(Job& job, const OffloadPolicy& policy, const CostModel& costs) {
  const Trying trying(job, policy);
  return measured(job, costs);
}

std::vector<OffloadTrial> offload_trials(Job& job, const CostModel& costs) {
  const OffloadPolicy own = policy_of(job.plan);
  if (own.offload == "none" && own.convolutions.empty()) return {};
  std::vector<OffloadPolicy> policies{{"none", own.prefetch}};
  for (const std::string name : {"convolutions", "all", "stage"})
    for (const std::int64_t prefetch : prefetches(job.plan)) policies.push_back({name, prefetch});
  if (const ConvolutionChoice fast = fastest(*job.model, open_choices(job, costs)); !fast.empty())
    for (std::size_t i = 0, count = policies.size(); i < count; ++i)
      policies.push_back({policies[i].offload, policies[i].prefetch, fast});
  if (std::ranges::find(policies, own) == policies.end()) policies.push_back(own);
  std::vector<OffloadTrial> trials;
  for (const OffloadPolicy& policy : policies) trials.push_back(try_offload(job, policy, costs));
  return trials;
}

void settle_offload(Job& job, const CostModel& costs) {
  if (parse_offload(job.plan.offload).kind != Offload::Kind::dynamic) return;
  const ConvolutionChoice named = job.plan.convolutions;
  const std::vector<FasterAlgorithms> layers = named.empty() ? open_choices(job, costs) : std::vector<FasterAlgorithms>{};
  const ConvolutionChoice fast = layers.empty() ? named : fastest(*job.model, layers);
  OffloadTrial best = try_offload(job, {"none", job.plan.offload_prefetch, fast}, costs);
  const auto offer = [&](const OffloadPolicy& policy) {
    OffloadTrial trial = try_offload(job, policy, costs);
    if (better(trial, best)) best = std::move(trial);
  };
  const auto offer_mixes = [&](OffloadPolicy policy) {
    policy.convolutions = fast;
    if (fits(job, policy)) return offer(policy);
    policy.convolutions = named;
    offer(fits(job, policy) ? with_faster(job, policy, layers) : policy);
  };
  if (!best.fits) {
    offer_mixes({"none", job.plan.offload_prefetch});
    for (const std::int64_t prefetch : prefetches(job.plan)) {
      for (const std::string name : {"convolutions", "all"}) offer_mixes({name, prefetch});
      offer(fewest_layers(job, {"", prefetch, fast}));
      if (!layers.empty()) offer_mixes(fewest_layers(job, {"", prefetch, named}));
    }
  }
  set(job.plan, best.policy);
}

std::string offload_table(const Job& job, const std::vector<OffloadTrial>& trials) {
  if (trials.empty()) return "";
  constexpr std::size_t kShown = 40;
  std::vector<std::string> algorithms;
  std::size_t width = std::string_view("algorithms").size();
  for (const OffloadTrial& trial : trials) {
    algorithms.push_back(choice_text(job, trial.policy.convolutions));
    width = std::max(width, algorithms.back().size());
  }
  std::string text = fmt::format("#\n# {:>10} {:>10} {:>10}  {:<5} {:>8}  {:<{}}  offload\n", "iteration", "device",
                                 "host", "fits", "prefetch", "algorithms", width);
  for (std::size_t i = 0; i < trials.size(); ++i) {
    const OffloadTrial& trial = trials[i];
    std::string name = trial.policy.offload;
    if (name.size() > kShown) name = name.substr(0, kShown) + " ...";
    text += fmt::format("# {:>10} {:>10} {:>10}  {:<5} {:>8}  {:<{}}  {}\n", time_text(trial.iteration),
                        to_text(trial.device), to_text(trial.host), trial.fits ? "yes" : "no", trial.policy.prefetch,
                        algorithms[i], width, name);
  }
  return text;
}

}  // namespace tandem
