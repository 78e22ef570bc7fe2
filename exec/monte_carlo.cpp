#include "exec/monte_carlo.hpp"

#include <mutex>
#include <random>
#include <vector>

#include "base/error.hpp"
#include "base/random.hpp"
#include "exec/bound_threads.hpp"
#include "exec/clock.hpp"
#include "exec/shared_sum.hpp"

namespace tandem {
namespace {

struct Dart {
  double x, y;
};
bool hits(Dart dart) { return dart.x * dart.x + dart.y * dart.y < 1; }

double unit(std::uint64_t bits) { return static_cast<double>(bits >> 11) * 0x1p-53; }
Dart draw(std::mt19937_64& generator) {
  const double x = unit(generator());  // in order: x first
  return {x, unit(generator())};
}

/// Each worker throws its share; `throw_share(worker, range)` returns its hits, and their sum knows no rounding.
template <class ThrowShare>
MonteCarloResult throw_darts(const MonteCarloJob& job, ThrowShare throw_share) {
  invariant(job.darts > 0 && job.workers > 0, "somebody throws darts");
  const Instant start = now();
  std::vector<std::int64_t> hits_of(static_cast<std::size_t>(job.workers));
  on_bound_threads(job.workers, [&](std::int64_t worker) {
    hits_of[static_cast<std::size_t>(worker)] = throw_share(worker, share_of(job.darts, job.workers, worker));
  });
  std::int64_t all = 0;
  for (const std::int64_t some : hits_of) all += some;
  return {all, 4 * static_cast<double>(all) / static_cast<double>(job.darts), between(start, now())};
}

template <class NextDart>
std::int64_t count_hits(TermRange range, NextDart next_dart) {
  std::int64_t count = 0;
  for (std::int64_t i = range.first; i < range.last; ++i) count += hits(next_dart(i)) ? 1 : 0;
  return count;
}

}  // namespace

MonteCarloResult throw_from_shared_generator(const MonteCarloJob& job) {
  std::mt19937_64 generator(job.seed);
  std::mutex mutex;
  return throw_darts(job, [&](std::int64_t, TermRange range) {
    return count_hits(range, [&](std::int64_t) {
      const std::lock_guard lock(mutex);
      return draw(generator);
    });
  });
}

MonteCarloResult throw_from_generator_per_worker(const MonteCarloJob& job) {
  return throw_darts(job, [&](std::int64_t worker, TermRange range) {
    const auto words = philox(job.seed, stream_of("generator of a worker"), static_cast<std::uint64_t>(worker));
    std::mt19937_64 generator(std::uint64_t{words[1]} << 32 | words[0]);
    return count_hits(range, [&](std::int64_t) { return draw(generator); });
  });
}

MonteCarloResult throw_by_counter(const MonteCarloJob& job) {
  const std::uint64_t stream = stream_of("darts");
  return throw_darts(job, [&](std::int64_t, TermRange range) {
    return count_hits(range, [&](std::int64_t dart) {
      const auto words = philox(job.seed, stream, static_cast<std::uint64_t>(dart));
      return Dart{unit(std::uint64_t{words[1]} << 32 | words[0]), unit(std::uint64_t{words[3]} << 32 | words[2])};
    });
  });
}

}  // namespace tandem
