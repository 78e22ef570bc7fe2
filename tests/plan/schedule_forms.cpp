// Closed forms of makespans and bubbles, as whole numbers, free of messages.

#include "tests/catch.hpp"
#include "tests/plan/schedule_scene.hpp"

using namespace tandem;

namespace {

/// F, I, W of lengths that no sum of others equals by chance.
constexpr StepTimes kUneven = step_times(7, 11, 5);
constexpr StepTimes kEqual = step_times(1, 1, 1);

template <class Act>
void for_multiples(std::uint32_t most_ranks, Act act) {
  for (std::uint32_t ranks = 1; ranks <= most_ranks; ++ranks)
    for (std::uint32_t times = 1; times <= 4; ++times) {
      CAPTURE(ranks, times);
      act(ranks, times * ranks);
    }
}

}  // namespace

TEST_CASE("interleaved-1f1b takes (m + (p - 1) / v) (f + b), where f and b are those of a rank's v stages") {
  for (std::uint32_t chunks = 1; chunks <= 4; ++chunks)
    for_multiples(8, [&](std::uint32_t p, std::uint32_t m) {
      const Grid grid = grid_named("interleaved-1f1b", {p, m, chunks});

      // A stage takes (f + b) / v = 23, so m v 23 + (p - 1) 23.
      REQUIRE(makespan(timed_grid(grid, kUneven)) == 23 * (m * chunks + p - 1));
    });
}

TEST_CASE("interleaved-1f1b with micro-batches that do not fill its rounds is longer by no bubble") {
  for (std::uint32_t m = 5; m <= 13; ++m)
    CHECK(bubble(grid_named("interleaved-1f1b", {4, m, 2}), kUneven, 2, m) == 23 * 3);  // (p - 1) (f + b) / v
}

TEST_CASE("gpipe-reversed takes (m + p - 1) (f + b), as gpipe does") {
  for_multiples(8, [](std::uint32_t p, std::uint32_t m) {
    REQUIRE(makespan(timed_grid(grid_named("gpipe-reversed", {p, m}), kUneven)) == 23 * (m + p - 1));
    REQUIRE(makespan(timed_grid(grid_named("gpipe", {p, m}), kUneven)) == 23 * (m + p - 1));
  });
}

TEST_CASE("the asynchronous schedules fill and drain as 1f1b does, and differ in when weights change") {
  const Grid one = grid_named("1f1b", {4, 8});

  for (const std::string name : {"pipedream", "pipedream-2bw", "pipedream-vertical-sync"})
    CHECK(grid_named(name, {4, 8}) == one);
  CHECK(find_schedule("pipedream").updates == Updates::each_micro_batch);
  CHECK(find_schedule("pipedream-vertical-sync").updates == Updates::each_micro_batch);
  CHECK(find_schedule("pipedream-vertical-sync").vertical_sync);
  CHECK(find_schedule("pipedream-2bw").updates == Updates::double_buffered);
  CHECK(find_schedule("1f1b").updates == Updates::at_flush);
}

TEST_CASE("zb-h1 with equal steps takes 3 m + p - 1 from m = p on") {
  for_multiples(9, [](std::uint32_t p, std::uint32_t m) {
    REQUIRE(makespan(timed_grid(grid_named("zb-h1", {p, m}), kEqual)) == 3 * m + p - 1);
  });
}

TEST_CASE("zb-h1's bubble is (p - 1) (f + i - w) where w is no longer than f and i are") {
  for_multiples(8, [](std::uint32_t p, std::uint32_t m) {
    const TimedGrid grid = timed_grid(grid_named("zb-h1", {p, m}), step_times(4, 4, 3));

    REQUIRE(longest_span(grid) == 11 * m + 5 * (p - 1));  // 4 + 4 - 3, table 1 of the paper
  });
}

TEST_CASE("zb-h2 with equal steps leaves no rank idle between its first step and its last from m = 2 p - 1 on") {
  for (std::uint32_t p = 1; p <= 9; ++p)
    for (std::uint32_t m = 2 * p - 1; m < 4 * p; ++m)
      REQUIRE(longest_span(timed_grid(grid_named("zb-h2", {p, m}), kEqual)) == 3 * m);
}

TEST_CASE("zb-v with equal steps leaves no rank idle between its first step and its last from m = 2 p - 1 on") {
  for (std::uint32_t p = 1; p <= 9; ++p)
    for (std::uint32_t m = 2 * p - 1; m < 4 * p; ++m)
      REQUIRE(longest_span(timed_grid(grid_named("zb-v", {p, m}), kEqual)) == 6 * m);  // two stages of 3 each
}

TEST_CASE("v-half has half of 1f1b's bubble") {
  for_multiples(9, [](std::uint32_t p, std::uint32_t m) {
    const std::int64_t idle = longest_span(timed_grid(grid_named("v-half", {p, m}), kEqual)) - 6 * m;

    // 1F1B idles for (p - 1) (f + b) = 6 (p - 1) of these half-stage steps. An odd number of ranks needs no wait
    // of the pattern and saves a slot.
    REQUIRE(idle == (p == 1 ? 0 : 3 * (p - 1) - (p % 2 == 0 ? 0 : 1)));
  });
}

TEST_CASE("v-min has two thirds of 1f1b's bubble, but for a slot") {
  for_multiples(9, [](std::uint32_t p, std::uint32_t m) {
    const std::int64_t idle = longest_span(timed_grid(grid_named("v-min", {p, m}), kEqual)) - 6 * m;

    // 2/3 of 6 (p - 1). The pattern's wait, where 3 divides p, costs 2 slots.
    REQUIRE(idle == (p == 1 ? 0 : 4 * (p - 1) + (p % 3 == 0 ? 1 : -1)));
  });
}

TEST_CASE("chimera takes 2 m + p - 2 slots of F or B: a bubble of (p - 2) / (2 m + p - 2)") {
  for (std::uint32_t p = 2; p <= 10; p += 2)
    for (std::uint32_t times = 1; times <= 4; ++times) {
      const TimedGrid grid = timed_grid(grid_named("chimera", {p, times * p}), {});
      CAPTURE(p, times);

      // Table 2 of the paper. The last B of a unit, of stage 0, ends at 2p - 1 + 2 (p/2 - 1) + 1 = 3p - 2, and units
      // follow every 2p: 2p (m/p - 1) + 3p - 2.
      REQUIRE(makespan(grid) == 2 * times * p + p - 2);
      REQUIRE(bubble_fraction(grid) == Approx((p - 2.0) / (2.0 * times * p + p - 2)).margin(1e-12));
    }
}

TEST_CASE("hanayo idles for 2 (p - 1) / v of F and B of equal length, whatever the number of chunks") {
  for (std::uint32_t chunks = 1; chunks <= 6; ++chunks)
    for_multiples(8, [&](std::uint32_t p, std::uint32_t m) {
      // In steps of a chunk, a v-th of a rank's layers: rank p - 1 waits p - 1 for the first micro-batch to come
      // down, and p - 1 at the end while its gradient goes up. 1F1B idles for 2 (p - 1) v of them.
      REQUIRE(bubble(grid_named("hanayo", {p, m, chunks}), {}, chunks, m) == 2 * (p - 1));
    });
}

TEST_CASE("dualpipe idles for (p / 2 - 1) (f + i - w), and dualpipev, on half the ranks, for as much") {
  for (std::uint32_t half = 1; half <= 4; ++half)
    for (std::uint32_t m = 4 * half; m <= 6 * half; m += 2) {
      const StepTimes times = step_times(3, 3, 2);
      CAPTURE(half, m);

      // The paper's bubble is (p/2 - 1) (F&B + B - 3W), with F&B the time of a pair that runs as one. Here a pair is F,
      // then B, and what waits for its F does not wait for its B: F + B - 2W = f + i - w remain.
      REQUIRE(bubble(grid_named("dualpipe", {2 * half, m}), times, 1, m) == (half - 1) * 4);
      REQUIRE(bubble(grid_named("dualpipev", {half, m}), times, 2, m) == (half - 1) * 4);
    }
}
