// Ranks that run several stages are balanced by what all their stages take together.

#include "plan/balance_ranks.hpp"

#include "tests/catch.hpp"

using namespace tandem;

namespace {

/// Four stages on two ranks in a V: rank 0 has the outer ones.
std::vector<std::size_t> balanced(const std::vector<double>& items, const std::vector<std::size_t>& start,
                                  const Lacking& lacking = {}) {
  const std::vector<std::vector<double>> time(4, items);
  const std::vector<bool> allowed(items.size(), true);
  return balance_ranks({time, allowed, lacking, {{0, 3}, {1, 2}}}, start);
}

}  // namespace

TEST_CASE("a long last stage leaves its rank a short first one") {
  // 1 1 1 1 1 1 6: the last item alone takes 6, so rank 0 has 6 + 1 at least, and rank 1 the other 5.
  const std::vector<std::size_t> cuts = balanced({1, 1, 1, 1, 1, 1, 6}, {2, 4, 6});

  CHECK(cuts[0] == 1);
  CHECK(cuts[2] == 6);
}

TEST_CASE("memory comes before time") {
  // Stage 0 lacks memory with fewer than three items.
  const std::vector<std::size_t> cuts = balanced({1, 1, 1, 1, 1, 1, 6}, {2, 4, 6}, [](auto stage, auto from, auto to) {
    return stage == 0 && to - from < 3 ? 1.0 : 0.0;
  });

  CHECK(cuts[0] == 3);
}

TEST_CASE("equal items stay in equal parts") {
  CHECK(balanced({1, 1, 1, 1, 1, 1, 1, 1}, {2, 4, 6}) == std::vector<std::size_t>{2, 4, 6});
}
