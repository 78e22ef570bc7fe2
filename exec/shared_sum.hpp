#pragma once
// The mean absolute error of a linear regression, its sum split over threads in five ways, for real.

#include <cstdint>
#include <span>
#include <vector>

#include "base/units.hpp"

namespace tandem {

/// y is near w . x: `samples` rows of `features` inputs in [0, 1) with a target each, drawn by counter from the seed.
/// The table stays in a core's cache; a sum of more terms goes through it again and again, term n being of sample
/// n mod samples.
class LinearRegression {
 public:
  static constexpr std::int64_t kSamples = 256;  ///< of 64 features: 128 KiB
  LinearRegression(std::int64_t features, std::uint64_t seed);

  std::int64_t features() const { return features_; }
  /// |y - w . x| of the sample; summed from the first feature to the last, so the same bits everywhere.
  double term(std::int64_t sample) const {
    const double* inputs = inputs_.data() + sample * features_;
    double prediction = 0;
    for (std::int64_t i = 0; i < features_; ++i) prediction += weights_[static_cast<std::size_t>(i)] * inputs[i];
    const double error = targets_[static_cast<std::size_t>(sample)] - prediction;
    return error < 0 ? -error : error;
  }

 private:
  std::int64_t features_;
  std::vector<double> inputs_, targets_, weights_;
};

/// The terms [first, last) as one thread's share; shares differ by one term at most and cover all.
struct TermRange {
  std::int64_t first, last;
};
TermRange share_of(std::int64_t terms, std::int64_t threads, std::int64_t thread);

struct SumJob {
  const LinearRegression* problem;
  std::int64_t terms;    ///< 1 at least
  std::int64_t threads;  ///< 1 at least; the serial sum knows none
};

struct SharedSum {
  double sum;
  Picoseconds time;  ///< from before the first thread starts until the last has ended
};

/// One way to add up: `sum` adds the terms; `count` adds 1 per term by the very same program, its terms computed, so
/// terms - count is how many updates were lost. Thread i is bound to the i-th core this process may use, from the first
/// again after the last. Threads: blocking, from any.
struct SharedSumProgram {
  SharedSum (*sum)(const SumJob&);
  std::int64_t (*count)(const SumJob&);
};
extern const SharedSumProgram kSerialSum;          ///< the calling thread alone, in a register
extern const SharedSumProgram kUnsynchronisedSum;  ///< relaxed load, add, relaxed store: defined, and updates get lost
extern const SharedSumProgram kMutexSum;           ///< a std::mutex around each update
extern const SharedSumProgram kAtomicSum;          ///< compare-exchange until it succeeds
extern const SharedSumProgram kPerThreadSum;       ///< one accumulator a thread, added in the threads' order at the end

/// The sum of the same terms in 64 bits of mantissa, compensated (Neumaier, "Rundungsfehleranalyse einiger Verfahren
/// zur Summation endlicher Summen", 1974): what the others are judged by.
long double reference_sum(const SumJob& job);

}  // namespace tandem
