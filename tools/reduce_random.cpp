#include "tools/reduce_random.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "exec/bound_threads.hpp"
#include "tools/calibrate_sharing.hpp"
#include "tools/stopwatch.hpp"

namespace tandem {
namespace {

constexpr RandomSource kSources[] = {
    {"shared", "one Mersenne Twister, a lock taken for each dart", throw_from_shared_generator, true},
    {"per_worker", "a Mersenne Twister a worker, seeded by seed and worker", throw_from_generator_per_worker, false},
    {"counter", "Philox at the number of the dart", throw_by_counter, false},
};

struct Readings {
  std::vector<double> seconds;
  std::vector<std::int64_t> hits;
};

/// The time of one of the source's darts on one thread, in runs of their own of two lengths, so that the start drops out.
/// The least of several counts: on a busy machine a thread's start alone may take longer than all of its darts.
Seconds time_of_dart(const RandomSource& source, std::uint64_t seed) {
  constexpr std::int64_t kFew = 1'000, kMany = 401'000;
  constexpr int kRuns = 9;
  const auto least = [&](std::int64_t darts) {
    Seconds time = to_seconds(source.throw_darts({darts, 1, seed}).time);
    for (int i = 1; i < kRuns; ++i) time = std::min(time, to_seconds(source.throw_darts({darts, 1, seed}).time));
    return time;
  };
  const Seconds few = least(kFew), many = least(kMany);
  return std::max(many - few, many * 0.5) / static_cast<double>(kMany - kFew);
}

/// A locked dart is drawn inside the lock; what is left outside, the test of a hit, is under a nanosecond.
Seconds predict(const RandomSource& source, std::int64_t darts, std::int64_t workers, Seconds dart,
                const SharingCosts& pieces) {
  const SharingJob job{darts, workers, usable_cores()};
  SharingCosts costs = pieces;
  (source.locked ? costs.locked_update : costs.term) = dart;
  if (source.locked) costs.term = {1e-12};
  return to_seconds(source.locked ? predict_mutex_sum(job, costs) : predict_per_thread_sum(job, costs));
}

using Table = std::vector<std::vector<Readings>>;  // by source, by kWorkers

void run_round(const MonteCarloOptions& options, std::int64_t round, Table& table) {
  for (std::size_t s = 0; s < std::size(kSources); ++s) {
    if (options.stop.stop_requested()) throw RunError("interrupted");
    constexpr auto kCount = static_cast<std::int64_t>(std::size(kSources));
    const std::int64_t done = round * kCount + static_cast<std::int64_t>(s);
    if (options.progress) options.progress(100 * done / (options.rounds * kCount), kSources[s].name);
    for (std::size_t w = 0; w < kWorkers.size(); ++w) {
      const MonteCarloResult result = kSources[s].throw_darts({options.darts, kWorkers[w], options.seed});
      table[s][w].seconds.push_back(to_seconds(result.time).value);
      table[s][w].hits.push_back(result.hits);
    }
  }
}

bool all_equal(const std::vector<std::int64_t>& hits) {
  return std::adjacent_find(hits.begin(), hits.end(), std::not_equal_to<>()) == hits.end();
}

}  // namespace

std::span<const RandomSource> random_sources() { return kSources; }

bool MonteCarloRow::same_result() const {
  return std::all_of(runs.begin(), runs.end(),
                     [&](const MonteCarloRun& run) { return run.same_bits && !(run.pi != runs.front().pi); });
}

std::vector<MonteCarloRow> run_monte_carlo(const MonteCarloOptions& options) {
  const LinearRegression problem(1, options.seed);
  std::vector<SharingCosts> pieces;
  std::vector<std::vector<double>> darts(std::size(kSources));
  Table table(std::size(kSources), std::vector<Readings>(kWorkers.size()));
  for (std::int64_t round = 0; round < options.rounds; ++round) {
    pieces.push_back(measure_sharing_costs(problem, usable_cores()));
    for (std::size_t s = 0; s < std::size(kSources); ++s)
      darts[s].push_back(time_of_dart(kSources[s], options.seed).value);
    run_round(options, round, table);
  }
  std::vector<MonteCarloRow> rows;
  for (std::size_t s = 0; s < std::size(kSources); ++s) {
    rows.push_back({&kSources[s], {}});
    for (std::size_t w = 0; w < kWorkers.size(); ++w) {
      const Readings& readings = table[s][w];
      const Seconds predicted =
          predict(kSources[s], options.darts, kWorkers[w], median_of(darts[s]), median_costs(pieces));
      const double pi = 4 * static_cast<double>(readings.hits.back()) / static_cast<double>(options.darts);
      rows.back().runs.push_back(
          {kWorkers[w], predicted, spread_of(readings.seconds), pi, all_equal(readings.hits)});
    }
  }
  return rows;
}

}  // namespace tandem
