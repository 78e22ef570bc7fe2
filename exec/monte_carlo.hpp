#pragma once
// Monte Carlo by several workers: three ways to have random numbers, and what each does to the result.

#include <cstdint>

#include "base/units.hpp"

namespace tandem {

struct MonteCarloJob {
  std::int64_t darts;    ///< points of the unit square, 1 at least; split over the workers as evenly as they can be
  std::int64_t workers;  ///< threads, 1 at least
  std::uint64_t seed;
};

struct MonteCarloResult {
  std::int64_t hits;  ///< darts within the quarter circle
  double pi;          ///< 4 hits / darts
  Picoseconds time;
};

/// One Mersenne Twister behind a lock, taken for each dart: the darts are the first of one sequence, whoever throws.
MonteCarloResult throw_from_shared_generator(const MonteCarloJob& job);
/// A Mersenne Twister per worker, seeded by the seed and the worker's number: other workers, other darts.
MonteCarloResult throw_from_generator_per_worker(const MonteCarloJob& job);
/// Philox at the dart's own number: no state, no lock, the same darts for any number of workers.
MonteCarloResult throw_by_counter(const MonteCarloJob& job);

}  // namespace tandem
