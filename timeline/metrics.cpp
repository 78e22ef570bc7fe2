#include "timeline/metrics.hpp"

#include <algorithm>
#include <numeric>

#include "base/error.hpp"

namespace tandem {
namespace {

/// Largest over mean; 1 where there is nothing to compare.
double imbalance(const std::vector<double>& values) {
  const double sum = std::accumulate(values.begin(), values.end(), 0.0);
  if (sum == 0) return 1;
  return *std::max_element(values.begin(), values.end()) * static_cast<double>(values.size()) / sum;
}

WorkerMetrics measure_worker(const Program& program, const Timeline& timeline, WorkerId worker, const Span& iteration) {
  const Intervals busy = busy_intervals(program, timeline, worker);
  WorkerMetrics metrics;
  metrics.busy = total(busy);
  metrics.idle = length_of(iteration) - metrics.busy;
  metrics.bubble = bubble_fraction(metrics.busy, length_of(iteration));
  metrics.own_bubble = own_bubble_fraction(busy);
  metrics.exposed_communication = overlap(gaps(busy, iteration), transfer_intervals(program, timeline, worker));
  metrics.other_idle = metrics.idle - metrics.exposed_communication;
  metrics.idle_by_cause = idle_times(program, timeline, worker, iteration);
  if (!timeline.peaks.empty()) metrics.peak = timeline.peaks[index_of(worker)];
  return metrics;
}

void rate(Metrics& metrics, const MetricsContext& context) {
  const double seconds = to_seconds(metrics.iteration).value;
  if (seconds == 0) return;
  if (context.samples > 0) metrics.samples_per_second = static_cast<double>(context.samples) / seconds;
  if (context.tokens > 0) metrics.tokens_per_second = static_cast<double>(context.tokens) / seconds;
  if (context.model_flops.count > 0 && context.peak.value > 0)
    metrics.model_flop_utilisation = context.model_flops.real() / (seconds * context.peak.value);
}

void compare_workers(Metrics& metrics) {
  std::vector<double> busy, memory;
  for (const WorkerMetrics& worker : metrics.workers) {
    metrics.bubble += worker.bubble / static_cast<double>(metrics.workers.size());
    metrics.own_bubble += worker.own_bubble / static_cast<double>(metrics.workers.size());
    busy.push_back(static_cast<double>(worker.busy.count));
    memory.push_back(static_cast<double>(worker.peak.total.count));
  }
  metrics.compute_imbalance = imbalance(busy);
  metrics.memory_imbalance = imbalance(memory);
}

}  // namespace

Metrics measure(const Program& program, const Timeline& timeline, const MetricsContext& context) {
  invariant(timeline.spans.size() == program.step_count(), "the timeline is one of this program");
  const Span iteration = extent_of(timeline);
  Metrics metrics;
  metrics.iteration = length_of(iteration);
  for (std::uint32_t i = 0; i < program.workers().size(); ++i)
    metrics.workers.push_back(measure_worker(program, timeline, static_cast<WorkerId>(i), iteration));
  compare_workers(metrics);
  metrics.steady = steady_state(program, timeline);
  rate(metrics, context);
  if (!timeline.energy.empty())
    metrics.energy = std::accumulate(timeline.energy.begin(), timeline.energy.end(), Joules{});
  metrics.traffic = traffic_of(program);
  metrics.critical_path = critical_path(program, timeline);
  return metrics;
}

}  // namespace tandem
