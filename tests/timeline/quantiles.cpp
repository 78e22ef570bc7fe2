#include "timeline/quantile.hpp"

#include <rapidcheck.h>

#include <algorithm>
#include <vector>

#include "base/error.hpp"
#include "tests/catch.hpp"

using namespace tandem;

namespace {
double quantile_of(std::vector<double> values, double q) { return quantile(values, q); }
}  // namespace

TEST_CASE("a quantile lies on the line between its two order statistics") {
  CHECK(quantile_of({4, 1, 3, 2}, 0) == 1);
  CHECK(quantile_of({4, 1, 3, 2}, 0.5) == 2.5);              // h = 1.5: between 2 and 3
  CHECK(quantile_of({4, 1, 3, 2}, 0.9) == Approx(3.7));      // h = 2.7: 3 + 0.7
  CHECK(quantile_of({4, 1, 3, 2}, 1) == 4);
  CHECK(quantile_of({10, 30, 20}, 0.5) == 20);
  CHECK(quantile_of({7}, 0.9) == 7);
}

TEST_CASE("no value and no quantile beyond 0 and 1 is asked for") {
  CHECK_THROWS_AS(quantile_of({}, 0.5), InvariantError);
  CHECK_THROWS_AS(quantile_of({1}, 1.5), InvariantError);
  CHECK_THROWS_AS(quantile_of({1}, -0.1), InvariantError);
}

TEST_CASE("a quantile grows with q and stays within the sample") {
  const bool holds = rc::check([](std::vector<int> whole, int first) {
    std::vector<double> values(whole.begin(), whole.end());
    values.push_back(first);
    const auto [least, most] = std::minmax_element(values.begin(), values.end());
    double last = *least;
    for (int tenth = 0; tenth <= 10; ++tenth) {
      const double now = quantile_of(values, tenth / 10.0);
      RC_ASSERT(now >= last);
      last = now;
    }
    RC_ASSERT(last == *most);
  });

  CHECK(holds);
}
