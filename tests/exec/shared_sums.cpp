// Sums over shared memory for real: what each way to add up guarantees, whatever the threads do.

#include <rapidcheck.h>

#include <cmath>
#include <cstring>

#include "base/error.hpp"
#include "exec/bound_threads.hpp"
#include "exec/shared_sum.hpp"
#include "tests/catch.hpp"

using namespace tandem;

namespace {

const SharedSumProgram* const kLossless[] = {&kSerialSum, &kMutexSum, &kAtomicSum, &kPerThreadSum};
const SharedSumProgram* const kAll[] = {&kSerialSum, &kMutexSum, &kAtomicSum, &kPerThreadSum, &kUnsynchronisedSum};
constexpr std::int64_t kTerms = 20'001;  // divides by no number of threads below

bool same_bits(double a, double b) { return std::memcmp(&a, &b, sizeof a) == 0; }

double term_of(const LinearRegression& problem, std::int64_t n) { return problem.term(n % LinearRegression::kSamples); }

}  // namespace

TEST_CASE("synchronised ways to add up lose no update") {
  const LinearRegression problem(8, 1);
  const std::int64_t threads = GENERATE(1, 2, 4, 8);
  const SumJob job{&problem, kTerms, threads};
  const auto reference = static_cast<double>(reference_sum(job));

  for (const SharedSumProgram* program : kLossless) {
    CHECK(program->count(job) == kTerms);
    // Each of N additions of positive terms is off by a unit in the last place at most.
    CHECK(std::abs(program->sum(job).sum / reference - 1) < kTerms * 2.3e-16);
  }
}

TEST_CASE("unsynchronised updates never add more than there is") {
  const LinearRegression problem(8, 1);
  const std::int64_t threads = GENERATE(1, 2, 4, 8);
  const SumJob job{&problem, 200'000, threads};
  const double serial = kSerialSum.sum(job).sum;

  const std::int64_t count = kUnsynchronisedSum.count(job);
  const double sum = kUnsynchronisedSum.sum(job).sum;

  CHECK((1 <= count && count <= 200'000));
  CHECK((0 < sum && sum <= serial * (1 + 1e-10)));
}

TEST_CASE("one thread loses no update, synchronised or not") {
  const LinearRegression problem(3, 5);
  const SumJob job{&problem, kTerms, 1};
  const double serial = kSerialSum.sum(job).sum;

  for (const SharedSumProgram* program : kAll) {
    CHECK(program->count(job) == kTerms);
    CHECK(same_bits(program->sum(job).sum, serial));
  }
}

TEST_CASE("unsynchronised updates of two cores get lost") {
  if (usable_cores() < 2) return;
  const LinearRegression problem(8, 1);
  const SumJob job{&problem, 500'000, 2};

  std::int64_t lost = 0;
  for (int attempt = 0; attempt < 50 && lost == 0; ++attempt) lost = job.terms - kUnsynchronisedSum.count(job);

  CHECK(lost > 0);
}

TEST_CASE("a sum per thread has the same bits whenever the number of threads is the same") {
  const LinearRegression problem(8, 1);
  const std::int64_t threads = GENERATE(1, 2, 3, 8);
  double expected = 0;
  for (std::int64_t i = 0; i < threads; ++i) {
    double share = 0;
    const TermRange range = share_of(kTerms, threads, i);
    for (std::int64_t n = range.first; n < range.last; ++n) share += term_of(problem, n);
    expected += share;
  }

  for (int repeat = 0; repeat < 5; ++repeat) CHECK(same_bits(kPerThreadSum.sum({&problem, kTerms, threads}).sum, expected));
}

TEST_CASE("shares cover all terms in order and differ by one at most") {
  CHECK(rc::check("shares of terms", [] {
    const auto terms = *rc::gen::inRange<std::int64_t>(1, 1'000'000);
    const auto threads = *rc::gen::inRange<std::int64_t>(1, 300);
    std::int64_t next = 0;
    for (std::int64_t i = 0; i < threads; ++i) {
      const TermRange range = share_of(terms, threads, i);
      RC_ASSERT(range.first == next);
      RC_ASSERT(range.last - range.first - terms / threads <= 1);
      RC_ASSERT(range.last - range.first >= terms / threads);
      next = range.last;
    }
    RC_ASSERT(next == terms);
  }));
}

TEST_CASE("the reference sum keeps what a plain sum loses") {
  const LinearRegression problem(2, 9);
  constexpr std::int64_t kPasses = 400;
  long double pass = 0;
  for (std::int64_t n = 0; n < LinearRegression::kSamples; ++n) pass += problem.term(n);

  const long double reference = reference_sum({&problem, kPasses * LinearRegression::kSamples, 1});

  CHECK(static_cast<double>(std::fabs(reference / (kPasses * pass) - 1)) < 3e-17);  // 256 x 2^-64, at most
}

TEST_CASE("a regression's terms follow from its seed and are of the size of an error") {
  const LinearRegression one(16, 1), same(16, 1), other(16, 2);
  int different = 0;
  for (std::int64_t n = 0; n < LinearRegression::kSamples; ++n) {
    CHECK(same_bits(one.term(n), same.term(n)));
    CHECK((0 <= one.term(n) && one.term(n) <= 16));  // targets in [0, 8), predictions in [0, 16)
    if (!same_bits(one.term(n), other.term(n))) ++different;
  }
  CHECK(different > 200);
}

TEST_CASE("bound threads are all run, each with its number") {
  std::vector<int> calls(37);

  on_bound_threads(37, [&](std::int64_t thread) { ++calls[static_cast<std::size_t>(thread)]; });

  CHECK(calls == std::vector<int>(37, 1));
}

TEST_CASE("a sum of nothing is refused") {
  const LinearRegression problem(1, 1);
  for (const SharedSumProgram* program : kAll) {
    CHECK_THROWS_AS(program->sum({&problem, 0, 1}), InvariantError);
    CHECK_THROWS_AS(program->count({&problem, 1, 0}), InvariantError);
    CHECK_THROWS_AS(program->sum({nullptr, 1, 1}), InvariantError);
  }
}
