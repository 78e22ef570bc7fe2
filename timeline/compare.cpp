#include "timeline/compare.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "timeline/quantile.hpp"
#include "timeline/steady_state.hpp"
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
  result.iterations = measured.size();
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
  const std::vector<Bubbles> expected = bubble_fractions(program, predicted);
  std::vector<std::vector<double>> whole(expected.size()), own(expected.size());
  for (const Timeline& run : measured) {
    const std::vector<Bubbles> fractions = bubble_fractions(program, run);
    for (std::size_t worker = 0; worker < expected.size(); ++worker) {
      whole[worker].push_back(fractions[worker].whole);
      own[worker].push_back(fractions[worker].own);
    }
  }
  std::vector<BubbleComparison> result;
  for (std::size_t worker = 0; worker < expected.size(); ++worker)
    result.push_back({expected[worker].whole, median(whole[worker]), expected[worker].own, median(own[worker])});
  return result;
}

SteadyFigures figures_of(const SteadyState& state) {
  SteadyFigures figures{to_seconds(state.warm_up), to_seconds(state.drain), {}, state.bubble};
  if (const auto each = state.time_per_micro_batch()) figures.per_micro_batch = to_seconds(*each);
  return figures;
}

/// Each figure's median; of the time per micro-batch over the runs that had a steady state.
SteadyFigures median_figures(const Program& program, std::span<const Timeline> measured) {
  std::vector<double> warm_up, drain, each, bubble;
  for (const Timeline& run : measured) {
    const SteadyFigures figures = figures_of(*steady_state(program, run));
    warm_up.push_back(figures.warm_up.value);
    drain.push_back(figures.drain.value);
    bubble.push_back(figures.bubble);
    if (figures.per_micro_batch) each.push_back(figures.per_micro_batch->value);
  }
  SteadyFigures middle{{median(warm_up)}, {median(drain)}, {}, median(bubble)};
  if (!each.empty()) middle.per_micro_batch = Seconds{median(each)};
  return middle;
}

std::optional<SteadyComparison> compare_steady(const Program& program, const Timeline& predicted,
                                               std::span<const Timeline> measured) {
  const std::optional<SteadyState> expected = steady_state(program, predicted);
  if (!expected) return {};
  return SteadyComparison{figures_of(*expected), median_figures(program, measured)};
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
  result.steady = compare_steady(program, predicted, measured);
  result.works = work_times(program, predicted, measured);
  return result;
}

}  // namespace tandem
