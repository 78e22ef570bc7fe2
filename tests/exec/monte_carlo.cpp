// Random numbers for several workers: which ways give the same result for every number of them.

#include "exec/monte_carlo.hpp"

#include <cmath>
#include <numbers>

#include "base/error.hpp"
#include "tests/catch.hpp"

using namespace tandem;

namespace {

constexpr std::int64_t kDarts = 100'003;
using Throw = MonteCarloResult (*)(const MonteCarloJob&);
constexpr Throw kAll[] = {throw_from_shared_generator, throw_from_generator_per_worker, throw_by_counter};

}  // namespace

TEST_CASE("darts by counter and from one locked sequence do not depend on the number of workers") {
  for (const Throw darts : {throw_by_counter, throw_from_shared_generator}) {
    const std::int64_t alone = darts({kDarts, 1, 7}).hits;

    for (const std::int64_t workers : {2, 3, 4, 8}) CHECK(darts({kDarts, workers, 7}).hits == alone);
  }
}

TEST_CASE("a generator per worker makes the result depend on the number of workers") {
  const std::int64_t one = throw_from_generator_per_worker({kDarts, 1, 7}).hits;
  const std::int64_t two = throw_from_generator_per_worker({kDarts, 2, 7}).hits;
  const std::int64_t four = throw_from_generator_per_worker({kDarts, 4, 7}).hits;

  CHECK((one != two && two != four && one != four));
  CHECK(throw_from_generator_per_worker({kDarts, 4, 7}).hits == four);
}

TEST_CASE("every way estimates pi") {
  for (const Throw darts : kAll)
    for (const std::uint64_t seed : {1, 2, 3}) {
      const MonteCarloResult result = darts({kDarts, 3, seed});

      CHECK(std::abs(result.pi - std::numbers::pi) < 0.026);  // five deviations of 4 sqrt(p (1 - p) / N), p = pi / 4
      CHECK(std::abs(result.pi * kDarts - 4 * static_cast<double>(result.hits)) < 1e-6);
    }
}

TEST_CASE("more darts keep the ones already thrown by counter") {
  std::int64_t before = 0;
  for (std::int64_t darts = 1; darts <= 50; ++darts) {
    const std::int64_t hits = throw_by_counter({darts, 2, 1}).hits;

    CHECK((hits == before || hits == before + 1));
    before = hits;
  }
}

TEST_CASE("another seed throws other darts") {
  for (const Throw darts : kAll) CHECK(darts({kDarts, 1, 1}).hits != darts({kDarts, 1, 2}).hits);
}

TEST_CASE("no darts and no workers are refused") {
  for (const Throw darts : kAll) {
    CHECK_THROWS_AS(darts({0, 1, 1}), InvariantError);
    CHECK_THROWS_AS(darts({1, 0, 1}), InvariantError);
  }
}
