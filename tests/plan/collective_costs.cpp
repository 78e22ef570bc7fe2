// Bytes, rounds and uncontended times of collectives against their closed forms.

#include <rapidcheck.h>

#include <bit>

#include "tests/catch.hpp"
#include "tests/plan/collectives.hpp"

using namespace tandem;

namespace {

constexpr MessageCost kInside{Seconds{1e-6}, BytesPerSecond{4e9}};
constexpr MessageCost kBetween{Seconds{5e-6}, BytesPerSecond{1e9}};

const CollectiveAlgorithm& row(const char* name) { return find_collective_algorithm(name); }

Bytes all_sent(const CollectiveAlgorithm& algorithm, const CollectiveShape& shape) {
  Bytes sum;
  for (std::uint32_t rank = 0; rank < shape.ranks; ++rank) sum += bytes_sent(algorithm, shape, rank);
  return sum;
}

double microseconds(const char* algorithm, const CollectiveShape& shape, const MessageCost& between = kInside) {
  return uncontended_time(row(algorithm), shape, kInside, between).value * 1e6;
}

}  // namespace

TEST_CASE("to all-reduce, a rank of a ring, of direct exchange or of halving-doubling sends 2 S (n - 1) / n bytes") {
  for (const std::uint32_t ranks : {1u, 2u, 4u, 8u, 16u})
    for (const char* name : {"ring", "direct", "halving_doubling"})
      for (std::uint32_t rank = 0; rank < ranks; ++rank) {
        const CollectiveShape shape = shape_of(CollectiveKind::all_reduce, ranks, 48 * ranks);

        const Bytes sent = bytes_sent(row(name), shape, rank);

        INFO(name << " over " << ranks);
        CHECK(sent.count == 2 * 4 * 48 * (ranks - 1));  // S / n = 48 values of 4 bytes
      }
}

TEST_CASE("a reduce-scatter or all-gather sends S (n - 1) / n bytes a rank, for any number of ranks") {
  for (const CollectiveKind kind : {CollectiveKind::reduce_scatter, CollectiveKind::all_gather})
    for (std::uint32_t ranks = 1; ranks <= 17; ++ranks)
      for (const char* name : {"ring", "direct"})
        for (std::uint32_t rank = 0; rank < ranks; ++rank)
          CHECK(bytes_sent(row(name), shape_of(kind, ranks, 10 * ranks), rank).count == 4 * 10 * (ranks - 1));
}

TEST_CASE("a hierarchical rank sends its vector once around its node, and its share between nodes") {
  const CollectiveShape shape = shape_of(CollectiveKind::all_reduce, 12, 240, 4);

  for (std::uint32_t rank = 0; rank < 12; ++rank)
    CHECK(bytes_sent(row("hierarchical"), shape, rank).count ==
          2 * 3 * 60 * 4 + 2 * 2 * 20 * 4);  // 2 (g - 1) S / g inside, 2 (N - 1) S / (g N) between: 240 / 4, 60 / 3
}

TEST_CASE("no all-reduce sends less than 2 S (n - 1) bytes in all, and none receives less") {
  CHECK(rc::check("the bound holds", [] {
    const auto ranks = *rc::gen::inRange<std::uint32_t>(1, 33);
    const auto elements = *rc::gen::inRange<std::int64_t>(0, 500);
    const CollectiveShape shape = shape_of(CollectiveKind::all_reduce, ranks, elements, ranks % 3 == 0 ? 3 : 1);
    for (const CollectiveAlgorithm& algorithm : collective_algorithms())
      if (algorithm.suits(shape)) RC_ASSERT(all_sent(algorithm, shape).count >= 2 * 4 * elements * (ranks - 1));
  }));
}

TEST_CASE("an all-to-all sends each other rank its block once, and nothing to itself") {
  const CollectiveShape shape = shape_of(CollectiveKind::all_to_all, 5, 2 * 5 * 7);

  for (std::uint32_t rank = 0; rank < 5; ++rank) CHECK(bytes_sent(row("direct"), shape, rank).count == 4 * 7 * 4);
}

TEST_CASE("bytes sent are summed without overflow for vectors beyond 2^31 elements") {
  const CollectiveShape shape = shape_of(CollectiveKind::all_reduce, 4, std::int64_t{1} << 34);

  CHECK(bytes_sent(row("ring"), shape, 3).count == 3 * (std::int64_t{1} << 35));  // 2 * 2^36 bytes * 3 / 4
  CHECK(bytes_sent(row("halving_doubling"), shape, 3).count == 3 * (std::int64_t{1} << 35));
}

TEST_CASE("numbers of rounds are those of the papers") {
  for (std::uint32_t ranks = 1; ranks <= 33; ++ranks) {
    const auto levels = static_cast<std::uint32_t>(std::bit_width(ranks - 1));  // ceil(log2 n)
    const auto whole = static_cast<std::uint32_t>(std::bit_width(ranks) - 1);   // floor(log2 n)
    const bool folds = !std::has_single_bit(ranks);
    const auto rounds = [ranks](const char* name, CollectiveKind kind) {
      return row(name).rounds(shape_of(kind, ranks, 100));
    };

    CHECK(rounds("ring", CollectiveKind::all_reduce) == 2 * (ranks - 1));
    CHECK(rounds("ring", CollectiveKind::all_gather) == ranks - 1);
    CHECK(rounds("direct", CollectiveKind::reduce_scatter) == ranks - 1);
    CHECK(rounds("tree", CollectiveKind::broadcast) == levels);
    CHECK(rounds("tree", CollectiveKind::all_reduce) == 2 * levels);
    CHECK(rounds("halving_doubling", CollectiveKind::all_reduce) == 2 * whole + (folds ? 2 : 0));
    CHECK(rounds("halving_doubling", CollectiveKind::reduce_scatter) == whole + (folds ? 2 : 0));
  }
  CHECK(row("hierarchical").rounds(shape_of(CollectiveKind::all_reduce, 12, 240, 4)) == 2 * 3 + 2 * 2);
}

// 4,000 values a rank's block of 4 bytes at 4 GB/s: 4 us a block, and 1 us of latency.
TEST_CASE("a ring takes 2 (n - 1) (latency + S / (n B)) to all-reduce, half of that to scatter or gather") {
  for (const std::uint32_t ranks : {1u, 2u, 3u, 7u, 16u}) {
    const double block_time = 1 + 4;
    const std::int64_t elements = 4000 * ranks;

    CHECK(microseconds("ring", shape_of(CollectiveKind::all_reduce, ranks, elements)) ==
          Approx(2 * (ranks - 1) * block_time));
    CHECK(microseconds("ring", shape_of(CollectiveKind::reduce_scatter, ranks, elements)) ==
          Approx((ranks - 1) * block_time));
    CHECK(microseconds("ring", shape_of(CollectiveKind::all_gather, ranks, elements)) ==
          Approx((ranks - 1) * block_time));
  }
}

TEST_CASE("halving-doubling takes 2 k latencies + 2 (n - 1) / n S / B for n = 2^k") {
  for (const std::uint32_t k : {0u, 1u, 2u, 3u, 5u}) {
    const std::uint32_t ranks = 1u << k;

    CHECK(microseconds("halving_doubling", shape_of(CollectiveKind::all_reduce, ranks, 4000 * ranks)) ==
          Approx(2 * k + 2 * 4 * (ranks - 1)));  // S / B = 4 n us
  }
}

TEST_CASE("halving-doubling over six ranks folds two of them into their neighbours") {
  // S = 48 us: fold 1 + 48; halve and double among 4: 4 * 1 + 2 * 3 / 4 * 48; hand back 1 + 48.
  const double time = microseconds("halving_doubling", shape_of(CollectiveKind::all_reduce, 6, 48'000));

  CHECK(time == Approx(49 + 4 + 72 + 49));
}

TEST_CASE("a binomial broadcast takes ceil(log2 n) (latency + S / B)") {
  for (std::uint32_t ranks = 1; ranks <= 33; ++ranks)
    CHECK(microseconds("tree", shape_of(CollectiveKind::broadcast, ranks, 8000)) ==
          Approx(std::bit_width(ranks - 1) * (1.0 + 8.0)));
}

TEST_CASE("a broadcast along the ring flows: n blocks and n - 2 hops more") {
  CHECK(microseconds("ring", shape_of(CollectiveKind::broadcast, 4, 16'000)) ==
        Approx((4 + 2) * (1.0 + 4.0)));  // rank 3 has the last of four blocks after 3 + 3 messages of 4 us
}

TEST_CASE("a hierarchical all-reduce scatters and gathers in the node and all-reduces S / g between nodes") {
  // S = 96,000 bytes, g = 4, N = 3. Inside 2 * 3 * (1 + 24,000 / 4e3) us; between 2 * 2 * (5 + 8,000 / 1e3) us.
  const CollectiveShape shape = shape_of(CollectiveKind::all_reduce, 12, 24'000, 4);

  CHECK(microseconds("hierarchical", shape, kBetween) == Approx(2 * 3 * 7 + 2 * 2 * 13));
}

TEST_CASE("the slower links between nodes set the pace of a flat ring") {
  // Two nodes of two: each round waits for the messages between nodes: 6 rounds of 5 us + 4,000 bytes / 1 GB/s.
  CHECK(microseconds("ring", shape_of(CollectiveKind::all_reduce, 4, 4000, 2), kBetween) == Approx(6 * (5 + 4)));
}

TEST_CASE("the cheapest algorithm is a tree or halving for few bytes, and a ring's volume for many") {
  const auto cheapest = [](CollectiveKind kind, std::uint32_t ranks, std::int64_t elements,
                           std::uint32_t per_node = 1) {
    return cheapest_algorithm(shape_of(kind, ranks, elements, per_node), kInside, kBetween).name;
  };

  CHECK(cheapest(CollectiveKind::broadcast, 8, 8) == "tree");               // 3 latencies; halving-doubling has 6
  CHECK(cheapest(CollectiveKind::all_reduce, 8, 8) == "halving_doubling");  // 6 latencies, as a tree, of less bytes
  CHECK(cheapest(CollectiveKind::all_reduce, 8, 1'000'000) == "halving_doubling");  // least bytes and least rounds
  CHECK(cheapest(CollectiveKind::all_reduce, 6, 6'000'000) == "direct");    // the bytes of a ring; first by name
  CHECK(cheapest(CollectiveKind::all_reduce, 8, 8'000'000, 4) == "hierarchical");   // S / 4 over the slow links
  CHECK(cheapest(CollectiveKind::all_to_all, 8, 64) == "direct");
}
