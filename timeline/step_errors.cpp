#include "timeline/step_errors.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/error.hpp"
#include "timeline/quantile.hpp"
#include "timeline/worker_view.hpp"

namespace tandem {
namespace {

double duration(const Timeline& timeline, StepId step, Clock clock = Clock::wall) {
  if (clock == Clock::cpu) return to_seconds(timeline.cpu_time[index_of(step)]).value;
  return to_seconds(length_of(timeline.spans[index_of(step)])).value;
}

/// Gathers one pair per step, then sums them up.
class ErrorSample {
 public:
  void add(double predicted_s, double measured_s) {
    predicted_sum_ += predicted_s;
    measured_sum_ += measured_s;
    if (measured_s > 0) absolute_.push_back(std::abs(predicted_s - measured_s) / measured_s);
  }
  StepErrors summary() {
    StepErrors errors;
    errors.count = absolute_.size();
    if (absolute_.empty()) return errors;
    errors.median = median(absolute_);
    errors.p95 = quantile(absolute_, 0.95);
    errors.bias = predicted_sum_ / measured_sum_ - 1;
    return errors;
  }

 private:
  std::vector<double> absolute_;
  double predicted_sum_ = 0, measured_sum_ = 0;
};

template <class Wanted>
StepErrors errors_of(const Program& program, const Timeline& predicted, std::span<const Timeline> measured, Clock clock,
                     Wanted wanted) {
  ErrorSample sample;
  std::vector<double> runs(measured.size());
  for (std::uint32_t i = 0; i < program.step_count(); ++i) {
    const auto step = static_cast<StepId>(i);
    if (!wanted(program.step(step).kind)) continue;
    std::ranges::transform(measured, runs.begin(), [&](const Timeline& run) { return duration(run, step, clock); });
    sample.add(duration(predicted, step), median(runs));
  }
  return sample.summary();
}

Seconds median_or_zero(std::vector<double>& values) { return {values.empty() ? 0.0 : median(values)}; }

}  // namespace

StepErrors compute_errors(const Program& program, const Timeline& predicted, std::span<const Timeline> measured,
                          Clock clock) {
  return errors_of(program, predicted, measured, clock, [](StepKind kind) { return is_compute(kind); });
}

StepErrors message_errors(const Program& program, const Timeline& predicted, std::span<const Timeline> measured) {
  const auto moves = [](StepKind kind) {
    return kind == StepKind::receive || kind == StepKind::collective || is_copy(kind);
  };
  return errors_of(program, predicted, measured, Clock::wall, moves);
}

std::vector<WorkTimes> work_times(const Program& program, const Timeline& predicted,
                                  std::span<const Timeline> measured) {
  struct Samples {
    std::vector<double> predicted, measured, cpu;
  };
  std::vector<Samples> samples(program.works().size());
  const bool cpu_known = has_cpu_times(measured);
  for (std::uint32_t i = 0; i < program.step_count(); ++i) {
    const auto step = static_cast<StepId>(i);
    if (!is_compute(program.step(step).kind)) continue;
    Samples& mine = samples[program.step(step).object];
    mine.predicted.push_back(duration(predicted, step));
    for (const Timeline& run : measured) {
      mine.measured.push_back(duration(run, step));
      if (cpu_known) mine.cpu.push_back(duration(run, step, Clock::cpu));
    }
  }
  std::vector<WorkTimes> times;
  for (Samples& mine : samples) {
    times.push_back({median_or_zero(mine.predicted), median_or_zero(mine.measured), {}, mine.predicted.size()});
    if (!mine.cpu.empty()) times.back().cpu = median_or_zero(mine.cpu);
  }
  return times;
}

double cpu_share(const Program& program, std::span<const Timeline> measured) {
  invariant(has_cpu_times(measured), "CPU times were recorded");
  double cpu_s = 0, wall_s = 0;
  for (const Timeline& run : measured) {
    for (std::uint32_t i = 0; i < program.step_count(); ++i) {
      const auto step = static_cast<StepId>(i);
      if (!is_compute(program.step(step).kind)) continue;
      cpu_s += duration(run, step, Clock::cpu);
      wall_s += duration(run, step);
    }
  }
  return wall_s > 0 ? cpu_s / wall_s : 1;
}

bool has_cpu_times(std::span<const Timeline> measured) {
  return std::ranges::all_of(measured, [](const Timeline& run) { return !run.cpu_time.empty(); });
}

}  // namespace tandem
