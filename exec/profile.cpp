#include "exec/profile.hpp"

#include <array>
#include <map>

#include "base/error.hpp"

namespace tandem {
namespace {

bool is_of_iteration(StepKind kind) {
  return kind == StepKind::zero_gradients || kind == StepKind::add_gradient || kind == StepKind::update ||
         kind == StepKind::settle;
}

using Times = std::vector<Seconds>;
using TimesByKernel = std::map<std::pair<LayerId, Pass>, Times>;

using TimesByRegion = std::array<TimesByKernel, kRegions>;

/// A kernel that computes in regions is timed as the sum of them, in the order of the calls.
TimesByKernel sums_of_regions(const TimesByRegion& regions) {
  TimesByKernel whole = regions[static_cast<std::size_t>(Region::all)];
  for (const auto& [kernel, measured] : regions[static_cast<std::size_t>(Region::interior)]) {
    Times sums = measured;
    for (const Region region : {Region::middle, Region::border}) {
      const auto rest = regions[static_cast<std::size_t>(region)].find(kernel);
      if (rest == regions[static_cast<std::size_t>(region)].end()) continue;
      invariant(rest->second.size() == sums.size(), "every interior has its border");
      for (std::size_t i = 0; i < sums.size(); ++i) sums[i] += rest->second[i];
    }
    whole[kernel].insert(whole[kernel].end(), sums.begin(), sums.end());
  }
  return whole;
}

std::vector<StepTiming> step_timings(const Program& program, const std::vector<Timeline>& timelines,
                                     std::int64_t warm_up) {
  std::vector<StepTiming> timings;
  for (const Step& step : program.steps()) {
    if (!is_of_iteration(step.kind)) continue;
    const auto id = static_cast<StepId>(&step - program.steps().data());
    StepTiming timing{step.kind, static_cast<WorkId>(step.object), {}};
    for (std::size_t k = static_cast<std::size_t>(warm_up); k < timelines.size(); ++k) {
      const Span span = timelines[k].spans[index_of(id)];
      timing.times.push_back(to_seconds(span.end - span.start));
    }
    timings.push_back(std::move(timing));
  }
  return timings;
}

}  // namespace

KernelProfile profile_kernels(const Program& program, const Model& model, const Dataset& dataset,
                              const RunOptions& options, std::int64_t warm_up) {
  RunOptions longer = options;
  longer.iterations += warm_up;
  std::int64_t iterations_done = 0;
  longer.after_iteration = [&](std::int64_t iteration, float loss) {
    ++iterations_done;
    if (options.after_iteration) options.after_iteration(iteration, loss);
  };
  std::map<const Model*, TimesByRegion> times;
  const auto observe = [&](const Model& local, LayerId layer, Pass pass, Region region, Picoseconds time) {
    if (iterations_done >= warm_up)
      times[&local][static_cast<std::size_t>(region)][{layer, pass}].push_back(to_seconds(time));
  };
  const RunResult result = run_observed(program, model, dataset, longer, observe);

  const std::int64_t batch = program.segments().front().batch;
  std::map<std::string, std::vector<Seconds>> by_signature;
  for (auto& [local, regions] : times) {
    for (const auto& [kernel, measured] : sums_of_regions(regions)) {
      auto& row = by_signature[kernel_signature(*local, kernel.first, kernel.second, batch)];
      row.insert(row.end(), measured.begin(), measured.end());
    }
  }
  KernelProfile profile;
  for (auto& [signature, measured] : by_signature) profile.kernels.push_back({signature, std::move(measured)});
  profile.steps = step_timings(program, result.timelines, warm_up);
  return profile;
}

}  // namespace tandem
