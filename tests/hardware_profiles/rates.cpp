#include <rapidcheck.h>

#include <algorithm>

#include "hardware_profiles/device.hpp"
#include "tests/catch.hpp"

using namespace tandem;

namespace {

const RateCurve kCurve{{{{1'000}, {1e9}}, {{100'000}, {4e9}}, {{1'000'000}, {2e9}}}};

/// Rates that grow with each of m, n and k: 1, 2, 4 ... GFLOP/s over the corners and inner points of {16, 64, 256}^3.
ProductRates regular_grid() {
  ProductRates rates;
  for (const std::int64_t m : {16, 64, 256})
    for (const std::int64_t n : {16, 64, 256})
      for (const std::int64_t k : {16, 64, 256})
        rates.points.push_back({m, n, k, {1e9 * static_cast<double>(m * n * k) / 4096}});
  return rates;
}

}  // namespace

TEST_CASE("a curve is exact at its points and clamped beyond them") {
  CHECK(kCurve.at({1'000}) == BytesPerSecond{1e9});
  CHECK(kCurve.at({100'000}) == BytesPerSecond{4e9});
  CHECK(kCurve.at({1'000'000}) == BytesPerSecond{2e9});
  CHECK(kCurve.at({1}) == BytesPerSecond{1e9});
  CHECK(kCurve.at({0}) == BytesPerSecond{1e9});
  CHECK(kCurve.at({1'000'000'000}) == BytesPerSecond{2e9});
}

TEST_CASE("a curve is a straight line on logarithms between its points") {
  CHECK(kCurve.at({10'000}).value == Approx(2e9));  // halfway from 10^3 to 10^5: sqrt(1 x 4) GB/s
}

TEST_CASE("a curve is monotone between neighbours") {
  CHECK(rc::check([] {
    const auto a = *rc::gen::inRange<std::int64_t>(1'000, 100'000), b = *rc::gen::inRange<std::int64_t>(1'000, 100'000);
    RC_ASSERT((a <= b) == (kCurve.at({a}) <= kCurve.at({b})) || a == b);

    const auto c = *rc::gen::inRange<std::int64_t>(100'000, 1'000'000);
    RC_ASSERT(kCurve.at({c}) <= BytesPerSecond{4e9});
    RC_ASSERT(kCurve.at({c}) >= BytesPerSecond{2e9});
  }));
}

TEST_CASE("an empty curve or grid has no rate") {
  CHECK_THROWS_AS(RateCurve{}.at({1}), InvariantError);
  CHECK_THROWS_AS(ProductRates{}.at(1, 1, 1), InvariantError);
}

TEST_CASE("a product grid is exact at its points") {
  const ProductRates rates = regular_grid();

  for (const ProductRates::Point& point : rates.points) CHECK(rates.at(point.m, point.n, point.k) == point.rate);
}

TEST_CASE("a product grid with one point answers it everywhere") {
  const ProductRates rates{{{64, 64, 64, {5e9}}}};

  CHECK(rates.at(1, 1, 1) == FlopsPerSecond{5e9});
  CHECK(rates.at(4096, 4096, 4096) == FlopsPerSecond{5e9});
}

TEST_CASE("halfway along an inner edge of the grid the rate is the geometric mean of its ends") {
  // 32 is halfway from 16 to 64 on log2, at distance 1 of both; all others are at least as far as the first left out.
  CHECK(regular_grid().at(32, 64, 64).value == Approx(32e9));   // sqrt(16 x 64) GFLOP/s
  CHECK(regular_grid().at(64, 64, 128).value == Approx(128e9));  // sqrt(64 x 256) GFLOP/s
}

TEST_CASE("shapes beyond the grid are read at its border") {
  const ProductRates rates = regular_grid();

  CHECK(rates.at(1, 1, 1) == rates.at(16, 16, 16));
  CHECK(rates.at(100'000, 64, 256) == rates.at(256, 64, 256));
}

TEST_CASE("along a line of the grid the rate rises from point to point") {
  const ProductRates rates = regular_grid();

  FlopsPerSecond last{0};
  for (std::int64_t m = 16; m <= 256; ++m) {
    const FlopsPerSecond rate = rates.at(m, 64, 64);
    CAPTURE(m);
    CHECK(rate.value >= last.value * (1 - 1e-9));
    last = rate;
  }
}

TEST_CASE("an interpolated rate stays within the rates of the grid, whatever its points") {
  CHECK(rc::check([] {
    ProductRates rates;
    const auto any_size = [] { return *rc::gen::inRange<std::int64_t>(1, 5000); };
    for (int point = *rc::gen::inRange(1, 30); point > 0; --point)
      rates.points.push_back({any_size(), any_size(), any_size(), {1e9 * static_cast<double>(any_size())}});

    const FlopsPerSecond rate = rates.at(any_size(), any_size(), any_size());

    const auto [low, high] = std::minmax_element(rates.points.begin(), rates.points.end(),
                                                 [](const auto& a, const auto& b) { return a.rate < b.rate; });
    RC_ASSERT(rate.value >= low->rate.value * (1 - 1e-9));
    RC_ASSERT(rate.value <= high->rate.value * (1 + 1e-9));
  }));
}

TEST_CASE("many threads slow each other down as measured, and linearly in between") {
  const Concurrency concurrency{{{1, 1.0}, {2, 1.2}, {8, 1.8}}};

  CHECK(concurrency.at(1) == 1.0);
  CHECK(concurrency.at(2) == 1.2);
  CHECK(concurrency.at(5) == Approx(1.5));  // halfway from 2 to 8
  CHECK(concurrency.at(8) == 1.8);
  CHECK(concurrency.at(100) == 1.8);
  CHECK(concurrency.at(0) == 1.0);
  CHECK(Concurrency{}.at(7) == 1.0);
}
