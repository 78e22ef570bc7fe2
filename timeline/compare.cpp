#include "timeline/compare.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "timeline/quantile.hpp"
#include "timeline/step_errors.hpp"
#include "timeline/worker_view.hpp"

namespace tandem {
namespace {

Spread spread_of(std::vector<double> values) {
  return {median(values), quantile(values, 0.1), quantile(values, 0.9)};
}

IterationComparison compare_iterations(const Timeline& predicted, std::span<const Timeline> measured) {
  std::vector<double> seconds;
  for (const Timeline& run : measured) seconds.push_back(to_seconds(length_of(extent_of(run))).value);
  IterationComparison result;
  result.predicted = to_seconds(length_of(extent_of(predicted)));
  result.measured = spread_of(seconds);
  result.runs = measured.size();
  if (result.measured.median > 0) result.error = result.predicted.value / result.measured.median - 1;
  return result;
}

WorkerMemory compare_worker_memory(const Timeline& predicted, std::span<const Timeline> measured, std::size_t worker) {
  const auto differs = [&](const Timeline& run) { return run.peaks[worker] != predicted.peaks[worker]; };
  const auto first = std::ranges::find_if(measured, differs);
  const bool identical = first == measured.end();
  return {predicted.peaks[worker], (identical ? measured.front() : *first).peaks[worker], identical};
}

std::vector<BubbleComparison> compare_bubbles(const Program& program, const Timeline& predicted,
                                              std::span<const Timeline> measured) {
  std::vector<BubbleComparison> result;
  for (const double fraction : bubble_fractions(program, predicted)) result.push_back({fraction, 0});
  std::vector<std::vector<double>> runs(result.size());
  for (const Timeline& run : measured) {
    const std::vector<double> fractions = bubble_fractions(program, run);
    for (std::size_t worker = 0; worker < runs.size(); ++worker) runs[worker].push_back(fractions[worker]);
  }
  for (std::size_t worker = 0; worker < runs.size(); ++worker) result[worker].measured = median(runs[worker]);
  return result;
}

}  // namespace

MemoryComparison compare_memory(const Timeline& predicted, std::span<const Timeline> measured) {
  const auto same_workers = [&](const Timeline& run) { return run.peaks.size() == predicted.peaks.size(); };
  invariant(!measured.empty() && std::ranges::all_of(measured, same_workers), "every run has a peak for each worker");
  MemoryComparison result;
  for (std::size_t worker = 0; worker < predicted.peaks.size(); ++worker) {
    result.workers.push_back(compare_worker_memory(predicted, measured, worker));
    result.identical = result.identical && result.workers.back().identical;
  }
  return result;
}

Comparison compare(const Program& program, const Timeline& predicted, std::span<const Timeline> measured) {
  invariant(!measured.empty(), "there is a measured timeline to compare with");
  Comparison result;
  result.order = compare_order(program, predicted, measured);
  result.edges = compare_edges(program, measured);
  result.memory = compare_memory(predicted, measured);
  result.iteration = compare_iterations(predicted, measured);
  result.steps = compute_errors(program, predicted, measured, Clock::wall);
  result.messages = message_errors(program, predicted, measured);
  if (has_cpu_times(measured)) {
    result.cpu = compute_errors(program, predicted, measured, Clock::cpu);
    result.cpu_share = cpu_share(program, measured);
  }
  result.bubble = compare_bubbles(program, predicted, measured);
  result.works = work_times(program, predicted, measured);
  return result;
}

}  // namespace tandem
