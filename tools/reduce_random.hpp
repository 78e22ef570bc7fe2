#pragma once
// The random-number question: three ways to have them, on 1, 2, 4 and 8 workers, predicted and run.

#include <array>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "exec/monte_carlo.hpp"
#include "tools/reduce.hpp"

namespace tandem {

/// A way to have random numbers, as a row of a table.
struct RandomSource {
  std::string_view name;
  std::string_view meaning;
  MonteCarloResult (*throw_darts)(const MonteCarloJob&);
  bool locked;  ///< a lock around each dart: predicted as the mutex sum; else as the sum per thread
};
std::span<const RandomSource> random_sources();

inline constexpr std::array<std::int64_t, 4> kWorkers{1, 2, 4, 8};

struct MonteCarloOptions {
  std::int64_t darts = 2'000'000;
  std::int64_t rounds = 5;
  std::uint64_t seed = 1;
  std::stop_token stop;
  ReduceProgress progress;
};

struct MonteCarloRun {
  std::int64_t workers;
  Seconds predicted;
  Spread measured_s;
  double pi;        ///< of the last round
  bool same_bits;   ///< in all rounds
};

struct MonteCarloRow {
  const RandomSource* source;
  std::vector<MonteCarloRun> runs;  ///< by kWorkers

  /// Whatever the number of workers.
  bool same_result() const;
};

std::vector<MonteCarloRow> run_monte_carlo(const MonteCarloOptions& options);

}  // namespace tandem
