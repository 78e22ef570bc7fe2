#pragma once
// Predicts and runs sums over shared memory, in turn, and lays the two side by side.

#include <cstdint>
#include <functional>
#include <stop_token>
#include <string_view>
#include <vector>

#include "tools/accumulation.hpp"
#include "tools/machine.hpp"

namespace tandem {

/// Told before each part with the share done, 0 to 100, and what comes next.
using ReduceProgress = std::function<void(std::int64_t percent, std::string_view next)>;

struct ReduceOptions {
  std::vector<const Accumulation*> ways;  ///< in this order; the serial sum is run in any case
  std::int64_t terms = 2'000'000;
  std::int64_t features = 64;   ///< of a sample: a term takes so many multiplications and additions
  std::int64_t threads = 4;
  std::int64_t rounds = 5;      ///< of each: the costs measured, then each way run once
  std::uint64_t seed = 1;
  std::stop_token stop;         ///< throws RunError between parts when asked for
  ReduceProgress progress;
};

/// Median, least and most of the rounds.
struct Spread {
  double median, least, most;
};
Spread spread_of(std::vector<double> values);

struct ReduceRow {
  const Accumulation* way;
  Seconds predicted;
  Spread measured_s;
  Spread lost_updates;    ///< terms - count, in a run of the same program that adds 1 per term
  double relative_error;  ///< the largest of the rounds, against the reference
  bool same_bits;         ///< in all rounds

  double error() const { return predicted.value / measured_s.median - 1; }
};

struct ReduceResult {
  SharingCosts costs;     ///< of each piece the median of the rounds
  std::int64_t cores;
  double reference;
  std::vector<ReduceRow> rows;  ///< the serial sum first
  OtherLoad others;
};

/// The predictions come from the costs alone; no run that is compared goes into them.
ReduceResult run_reduce(const ReduceOptions& options);

/// The median of each cost.
SharingCosts median_costs(const std::vector<SharingCosts>& costs);

}  // namespace tandem
