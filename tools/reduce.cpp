#include "tools/reduce.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "base/error.hpp"
#include "exec/bound_threads.hpp"
#include "tools/calibrate_sharing.hpp"
#include "tools/stopwatch.hpp"

namespace tandem {
namespace {

struct Runs {
  const Accumulation* way;
  std::vector<double> seconds, sums, lost;
};

/// Tells how far it is, and stops where it is asked to.
class Steps {
 public:
  Steps(const ReduceOptions& options, std::size_t steps) : options_(options), steps_(steps) {}
  void next(std::string_view what) {
    if (options_.stop.stop_requested()) throw RunError("interrupted");
    if (options_.progress) options_.progress(static_cast<std::int64_t>(100 * done_ / steps_), what);
    ++done_;
  }

 private:
  const ReduceOptions& options_;
  std::size_t steps_, done_ = 0;
};

std::vector<Runs> with_the_serial_sum(const std::vector<const Accumulation*>& ways) {
  std::vector<Runs> all{{&accumulations().front(), {}, {}, {}}};
  for (const Accumulation* way : ways)
    if (way != all.front().way) all.push_back({way, {}, {}, {}});
  return all;
}

void run_once(Runs& runs, const SumJob& job) {
  const SharedSum sum = runs.way->program->sum(job);
  runs.seconds.push_back(to_seconds(sum.time).value);
  runs.sums.push_back(sum.sum);
  runs.lost.push_back(static_cast<double>(job.terms - runs.way->program->count(job)));
}

double relative_error(const std::vector<double>& sums, long double reference) {
  long double worst = 0;
  for (const double sum : sums) worst = std::max(worst, std::fabs(sum - reference) / reference);
  return static_cast<double>(worst);
}

bool same_bits(const std::vector<double>& sums) {
  return std::all_of(sums.begin(), sums.end(),
                     [&](double sum) { return std::memcmp(&sum, &sums.front(), sizeof sum) == 0; });
}

ReduceRow row_of(const Runs& runs, const SharingJob& job, const SharingCosts& costs, long double reference) {
  return {runs.way,
          to_seconds(runs.way->predict(job, costs)),
          spread_of(runs.seconds),
          spread_of(runs.lost),
          relative_error(runs.sums, reference),
          same_bits(runs.sums)};
}

}  // namespace

Spread spread_of(std::vector<double> values) {
  const auto [least, most] = std::minmax_element(values.begin(), values.end());
  const double low = *least, high = *most;
  return {median_of(std::move(values)).value, low, high};
}

SharingCosts median_costs(const std::vector<SharingCosts>& costs) {
  SharingCosts medians;
  for (Seconds SharingCosts::*cost :
       {&SharingCosts::term, &SharingCosts::thread_start, &SharingCosts::plain_update, &SharingCosts::atomic_update,
        &SharingCosts::locked_update, &SharingCosts::line_transfer, &SharingCosts::futex_refused,
        &SharingCosts::futex_wake, &SharingCosts::wake_latency}) {
    std::vector<double> seconds;
    for (const SharingCosts& one : costs) seconds.push_back((one.*cost).value);
    medians.*cost = median_of(std::move(seconds));
  }
  return medians;
}

ReduceResult run_reduce(const ReduceOptions& options) {
  const LinearRegression problem(options.features, options.seed);
  const SumJob job{&problem, options.terms, options.threads};
  std::vector<Runs> all = with_the_serial_sum(options.ways);
  Steps steps(options, static_cast<std::size_t>(options.rounds) * (1 + all.size()) + all.size());
  ReduceResult result{};
  result.cores = usable_cores();
  const ProcessorTimes before = processor_times();
  std::vector<SharingCosts> costs;
  for (std::int64_t round = 0; round < options.rounds; ++round) {
    steps.next("measuring what a term, a lock and a cache line cost");
    costs.push_back(measure_sharing_costs(problem, result.cores));
    for (Runs& runs : all) {
      steps.next(runs.way->name);
      run_once(runs, job);
    }
  }
  result.others = other_load(before, processor_times(), result.cores);
  result.costs = median_costs(costs);
  const long double reference = reference_sum(job);
  result.reference = static_cast<double>(reference);
  for (const Runs& runs : all) {
    steps.next("predicting");
    result.rows.push_back(row_of(runs, {options.terms, options.threads, result.cores}, result.costs, reference));
  }
  return result;
}

}  // namespace tandem
