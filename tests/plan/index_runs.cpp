// Runs of indices against plain lists of them.

#include <numeric>

#include "tests/catch.hpp"
#include "tests/plan/meshes.hpp"
#include "tests/plan/random_models.hpp"

using namespace tandem;

namespace {

using Indices = std::vector<std::int64_t>;
using Runs = std::vector<IndexRun>;

Indices listed(const Runs& runs) {
  Indices all;
  for (const IndexRun& run : runs)
    for (std::int64_t i = 0; i < run.count; ++i) all.push_back(run.first + i);
  return all;
}

/// Ascending runs with gaps between them; their length is a multiple of `blocks`.
Runs random_runs(Dice& dice, std::int64_t blocks) {
  Runs runs;
  std::int64_t at = dice.between(0, 3), length = 0;
  for (std::int64_t count = dice.between(1, 4); count > 0; --count) {
    runs.push_back({at, dice.between(1, 7)});
    length += runs.back().count;
    at += runs.back().count + dice.between(1, 4);
  }
  runs.back().count += (blocks - length % blocks) % blocks;
  return runs;
}

/// The rank's share of each block, with lists instead of runs: the first ranks get one more where it does not divide.
Indices part_of_list(const Indices& all, std::int64_t blocks, std::int64_t ranks, std::int64_t rank) {
  const std::int64_t block = std::ssize(all) / blocks;
  Indices part;
  for (std::int64_t b = 0; b < blocks; ++b)
    for (std::int64_t i = 0, owner = 0, left = block / ranks + (block % ranks > 0); i < block; ++i, --left) {
      if (left == 0) left = block / ranks + (++owner < block % ranks);
      if (owner == rank) part.push_back(all[static_cast<std::size_t>(b * block + i)]);
    }
  return part;
}

}  // namespace

TEST_CASE("a rank's part of ten rows is a run, and of q, k and v side by side three runs") {
  CHECK(part_of_runs({{0, 10}}, 1, 3, 0) == Runs{{0, 4}});  // 4, 3, 3
  CHECK(part_of_runs({{0, 10}}, 1, 3, 2) == Runs{{7, 3}});
  CHECK(part_of_runs({{0, 24}}, 3, 2, 1) == Runs{{4, 4}, {12, 4}, {20, 4}});
  CHECK(part_of_runs({{4, 4}, {12, 4}}, 1, 4, 1) == Runs{{6, 2}});  // the runs are one row of eight
  CHECK(part_of_runs({{4, 3}, {12, 5}}, 1, 2, 0) == Runs{{4, 3}, {12, 1}});
  CHECK(part_of_runs({{0, 2}}, 1, 3, 2).empty());
}

TEST_CASE("parts of runs are those of the list of their indices, and never touch") {
  for (std::uint64_t number = 0; number < 2'000; ++number) {
    Dice dice(number);
    const std::int64_t blocks = dice.between(1, 3), ranks = dice.between(1, 5);
    const Runs runs = random_runs(dice, blocks);
    INFO("case " << number);

    Indices together;
    for (std::int64_t rank = 0; rank < ranks; ++rank) {
      const Runs part = part_of_runs(runs, blocks, static_cast<std::uint32_t>(ranks), static_cast<std::uint32_t>(rank));

      REQUIRE(listed(part) == part_of_list(listed(runs), blocks, ranks, rank));
      for (std::size_t i = 1; i < part.size(); ++i) REQUIRE(part[i - 1].first + part[i - 1].count < part[i].first);
      for (const std::int64_t index : listed(part)) together.push_back(index);
    }
    std::sort(together.begin(), together.end());
    CHECK(together == listed(runs));
  }
}

TEST_CASE("the runs of a slice are its elements in order, each where it lies in the whole tensor") {
  for (std::uint64_t number = 0; number < 2'000; ++number) {
    Dice dice(number);
    std::vector<std::int64_t> dims;
    TensorSlice slice;
    for (std::int64_t count = dice.between(1, 3); count > 0; --count) {
      slice.push_back(dice.chance(2) ? random_runs(dice, 1) : Runs{});
      dims.push_back(slice.back().empty() ? dice.between(1, 4)
                                          : slice.back().back().first + slice.back().back().count + dice.between(0, 2));
    }
    Indices want{0};  // row-major, dimension by dimension
    for (std::size_t d = 0; d < dims.size(); ++d) {
      Indices next;
      for (const std::int64_t before : want)
        for (const std::int64_t i : slice[d].empty() ? listed({{0, dims[d]}}) : listed(slice[d]))
          next.push_back(before * dims[d] + i);
      want = next;
    }
    INFO("case " << number);

    Indices got;
    for_each_run(dims, slice, [&](std::int64_t local, std::int64_t whole, std::int64_t count) {
      REQUIRE(local == std::ssize(got));
      for (std::int64_t i = 0; i < count; ++i) got.push_back(whole + i);
    });

    CHECK(got == want);
  }
}

TEST_CASE("a slice without dimensions is the whole tensor in one run") {
  int calls = 0;

  for_each_run({3, 4}, {}, [&](std::int64_t local, std::int64_t whole, std::int64_t count) {
    ++calls;
    CHECK(local == 0);
    CHECK(whole == 0);
    CHECK(count == 12);
  });

  CHECK(calls == 1);
}
