// How many activations a rank holds at once: counts of (stage, micro-batch) whose F has begun and whose B or W has not
// ended.

#include "tests/catch.hpp"
#include "tests/plan/schedule_scene.hpp"

using namespace tandem;

namespace {

/// The most that hold everything (F, not yet B or I), and the most that hold what W needs only (I, not yet W).
struct Held {
  std::uint32_t before_gradient = 0, before_weights = 0;
};

Held held(const std::vector<Action>& row) {
  Held most;
  std::uint32_t whole = 0, part = 0;
  for (const Action& action : row) {
    if (action.kind == StepKind::forward) ++whole;
    if (action.kind == StepKind::backward || action.kind == StepKind::input_gradient) --whole;
    if (action.kind == StepKind::input_gradient) ++part;
    if (action.kind == StepKind::weight_gradient) --part;
    most = {std::max(most.before_gradient, whole), std::max(most.before_weights, part)};
  }
  return most;
}

}  // namespace

TEST_CASE("interleaved-1f1b holds min(v m, 2 (p - s - 1) + (v - 1) p + 1) chunks") {
  for (std::uint32_t p = 1; p <= 8; ++p)
    for (std::uint32_t v = 1; v <= 4; ++v)
      for (std::uint32_t m = p; m <= 4 * p; m += p) {
        const Grid grid = grid_named("interleaved-1f1b", {p, m, v});
        for (std::uint32_t rank = 0; rank < p; ++rank)
          REQUIRE(most_held(grid[rank]) == std::min(v * m, 2 * (p - rank - 1) + (v - 1) * p + 1));
      }
}

TEST_CASE("zb-h1 holds what 1f1b does on rank 0, and on rank s p - s micro-batches and the weights' part of s") {
  for (std::uint32_t p = 1; p <= 9; ++p) {
    const Grid grid = grid_named("zb-h1", {p, 3 * p});

    CHECK(most_held(grid[0]) == p);
    for (std::uint32_t rank = 0; rank < p; ++rank) {
      // (p - i + 1) M_B + (i - 1) M_W for worker i from 1; the W of the I that has just ended is one more.
      CHECK(held(grid[rank]).before_gradient == p - rank);
      CHECK(held(grid[rank]).before_weights == rank + 1);
    }
  }
}

TEST_CASE("zb-h2 holds 2 p - 1 micro-batches on rank 0, and on rank s 2 (p - s) - 1 and the weights' part of 2 s") {
  for (std::uint32_t p = 1; p <= 9; ++p) {
    const Grid grid = grid_named("zb-h2", {p, 4 * p});

    CHECK(most_held(grid[0]) == 2 * p - 1);
    for (std::uint32_t rank = 0; rank < p; ++rank) {
      CHECK(held(grid[rank]).before_gradient == 2 * (p - rank) - 1);  // (2p - 2i + 1) M_B + (2i - 2) M_W
      CHECK(held(grid[rank]).before_weights == 2 * rank + 1);
    }
  }
}

TEST_CASE("zb-v holds 2 p chunks of half a rank's layers on every rank: 1f1b's p") {
  for (std::uint32_t p = 1; p <= 9; ++p)
    for (const auto& row : grid_named("zb-v", {p, 3 * p})) CHECK(most_held(row) == 2 * p);
}

TEST_CASE("v-half holds half of 1f1b's 2 p chunks and at most 2 more") {
  // The steps of a micro-batch hold a rank's two chunks for 6p + 1 (p odd) or 6p + 7 slots of a period of 6, and W
  // comes a little later: p + 1 or p + 2.
  for (std::uint32_t p = 1; p <= 12; ++p)
    CHECK(most_held_anywhere(grid_named("v-half", {p, 4 * p})) == p + (p % 2 == 0 ? 2 : 1));
}

TEST_CASE("v-min holds a third of 1f1b's 2 p chunks, rounded up to both stages, and at most 2 more") {
  // 4p + 2 slots (4p + 6 where 3 divides p) of a period of 6 for the two chunks, which come and go in pairs:
  // 2 (p + 2) / 3 with the third rounded up.
  for (std::uint32_t p = 1; p <= 12; ++p)
    CHECK(most_held_anywhere(grid_named("v-min", {p, 4 * p})) == 2 * ((p + 4) / 3));
}

TEST_CASE("dualpipe holds p + 1 micro-batches on every rank, dualpipev 2 p + 1 chunks") {
  for (std::uint32_t half = 1; half <= 4; ++half) {
    for (const auto& row : grid_named("dualpipe", {2 * half, 4 * half + 2})) CHECK(most_held(row) == 2 * half + 1);
    for (const auto& row : grid_named("dualpipev", {half, 2 * half + 1})) CHECK(most_held(row) == 2 * half + 1);
  }
}

TEST_CASE("chimera holds from p / 2 + 1 micro-batches on the outer ranks to p on the middle ones") {
  for (std::uint32_t p = 2; p <= 10; p += 2) {
    const Grid grid = grid_named("chimera", {p, 3 * p});
    for (std::uint32_t rank = 0; rank < p; ++rank)
      // Table 2 of the paper: (p/2 + 1) to p.
      CHECK(most_held(grid[rank]) == p / 2 + 1 + std::min(rank, p - 1 - rank));
  }
}

TEST_CASE("hanayo holds no more than 1f1b's p micro-batches: v p chunks") {
  for (std::uint32_t p = 1; p <= 8; ++p)
    for (std::uint32_t chunks = 1; chunks <= 4; ++chunks)
      CHECK(most_held_anywhere(grid_named("hanayo", {p, 4 * p, chunks})) == chunks * p);
}
