// Collectives do what their definitions say, for every algorithm, number of ranks and size.

#include <rapidcheck.h>

#include <set>

#include "base/error.hpp"
#include "tests/catch.hpp"
#include "tests/plan/collectives.hpp"

using namespace tandem;
using Catch::Contains;

namespace {

constexpr CollectiveKind kKinds[] = {CollectiveKind::all_reduce, CollectiveKind::reduce_scatter,
                                     CollectiveKind::all_gather, CollectiveKind::broadcast, CollectiveKind::all_to_all};

std::vector<std::uint32_t> divisors(std::uint32_t ranks) {
  std::vector<std::uint32_t> found;
  for (std::uint32_t divisor = 1; divisor <= ranks; ++divisor)
    if (ranks % divisor == 0) found.push_back(divisor);
  return found;
}

CollectiveShape any_shape(CollectiveKind kind) {
  const auto ranks = *rc::gen::inRange<std::uint32_t>(1, 18);
  CollectiveShape shape{kind, ranks, *rc::gen::elementOf(divisors(ranks)), {0}};
  const auto count = *rc::gen::inRange<std::int64_t>(0, 9);
  for (std::uint32_t rank = 0; rank < ranks; ++rank)
    shape.bounds.push_back(shape.bounds.back() +
                           (kind == CollectiveKind::all_to_all ? 2 * count : *rc::gen::inRange<std::int64_t>(0, 9)));
  return shape;
}

bool overlap(ElementRange a, ElementRange b) { return a.first < b.first + b.count && b.first < a.first + a.count; }
bool lies_within(ElementRange range, std::int64_t elements) {
  return range.first >= 0 && range.count > 0 && range.first + range.count <= elements;
}

/// What is wrong with one rank's part of a round; empty when nothing is.
std::string fault_in(const CollectiveAlgorithm& algorithm, const CollectiveShape& shape, std::uint32_t rank,
                     std::uint32_t round) {
  const RoundExchange mine = algorithm.exchange(shape, rank, round);
  if (mine.to != kNoRank) {
    if (mine.to >= shape.ranks || mine.to == rank) return "sends to no other rank";
    const RoundExchange theirs = algorithm.exchange(shape, mine.to, round);
    if (theirs.from != rank || theirs.received.count != mine.sent.count) return "sends what is not received";
    if (!lies_within(mine.sent, shape.elements())) return "sends from beyond its vector";
  }
  if (mine.from != kNoRank) {
    if (mine.from >= shape.ranks || mine.from == rank) return "receives from no other rank";
    if (algorithm.exchange(shape, mine.from, round).to != rank) return "receives what is not sent";
    if (!lies_within(mine.received, shape.elements())) return "receives beyond its vector";
  }
  if (mine.to != kNoRank && mine.from != kNoRank && overlap(mine.sent, mine.received)) return "sends what it receives";
  return "";
}

std::string first_fault(const CollectiveAlgorithm& algorithm, const CollectiveShape& shape) {
  for (std::uint32_t round = 0; round < algorithm.rounds(shape); ++round)
    for (std::uint32_t rank = 0; rank < shape.ranks; ++rank)
      if (const std::string fault = fault_in(algorithm, shape, rank, round); !fault.empty())
        return "rank " + std::to_string(rank) + ", round " + std::to_string(round) + ": " + fault;
  return "";
}

/// Halo strips over rows: neighbours trade different numbers of rows in each direction.
CollectiveShape any_halo(CollectiveKind kind) {
  const auto ranks = *rc::gen::inRange<std::uint32_t>(1, 18);
  CollectiveShape shape{kind, ranks, 1, std::vector<std::int64_t>(ranks + 1, 0), std::vector<HaloStrips>(ranks)};
  std::vector<std::int64_t> forth, back;
  for (std::uint32_t rank = 0; rank + 1 < ranks; ++rank) {
    forth.push_back(*rc::gen::inRange<std::int64_t>(0, 4));
    back.push_back(*rc::gen::inRange<std::int64_t>(0, 4));
  }
  for (std::uint32_t rank = 0; rank < ranks; ++rank) {
    HaloStrips& strips = shape.strips[rank];
    const bool has_before = rank > 0, has_after = rank + 1 < ranks;
    strips.to_before = {0, has_before ? back[rank - 1] : 0};
    strips.to_after = {4, has_after ? forth[rank] : 0};
    strips.from_before = {8, has_before ? forth[rank - 1] : 0};
    strips.from_after = {12, has_after ? back[rank] : 0};
  }
  shape.bounds.back() = 16;
  return shape;
}

std::vector<float> strip(const std::vector<float>& vector, ElementRange range) {
  return {vector.begin() + range.first, vector.begin() + range.first + range.count};
}

}  // namespace

TEST_CASE("every algorithm does what the collective's definition says, for any ranks, nodes and blocks") {
  CHECK(rc::check("the rounds give the defined result", [] {
    const CollectiveShape shape = any_shape(*rc::gen::elementOf(std::vector(std::begin(kKinds), std::end(kKinds))));
    for (const CollectiveAlgorithm& algorithm : collective_algorithms()) {
      if (!algorithm.suits(shape)) continue;
      const Vectors given = initial_vectors(shape);
      Vectors vectors = given;

      run_in_lock_step(algorithm, shape, vectors);

      RC_LOG() << algorithm.name << " " << name_of(shape.kind) << " over " << shape.ranks << " ranks\n";
      RC_ASSERT(difference_from_definition(shape, given, vectors) == "");
      RC_ASSERT(first_fault(algorithm, shape) == "");
    }
  }));
}

TEST_CASE("every algorithm does every kind that it names, for each number of ranks and for fewer elements than ranks") {
  for (std::uint32_t ranks = 1; ranks <= 17; ++ranks)
    for (const CollectiveKind kind : kKinds)
      for (const std::int64_t elements : {0, 1, 5, 34, 101})
        for (const std::uint32_t per_node : divisors(ranks))
          for (const CollectiveAlgorithm& algorithm : collective_algorithms()) {
            const std::int64_t size = kind == CollectiveKind::all_to_all ? elements * 2 * ranks : elements;
            const CollectiveShape shape = shape_of(kind, ranks, size, per_node);
            if (!algorithm.suits(shape)) continue;
            const Vectors given = initial_vectors(shape);
            Vectors vectors = given;

            run_in_lock_step(algorithm, shape, vectors);

            INFO(algorithm.name << " " << name_of(kind) << " of " << size << " over " << ranks << " in " << per_node);
            REQUIRE(difference_from_definition(shape, given, vectors) == "");
            REQUIRE(first_fault(algorithm, shape) == "");
            REQUIRE((ranks > 1 || algorithm.rounds(shape) == 0));
          }
}

TEST_CASE("a halo exchange fills each strip with its neighbour's, and a halo return brings strips back") {
  CHECK(rc::check("strips arrive", [] {
    const auto kind = *rc::gen::element(CollectiveKind::halo_exchange, CollectiveKind::halo_return);
    const CollectiveShape shape = any_halo(kind);
    const CollectiveAlgorithm& algorithm = find_collective_algorithm("neighbours");
    const Vectors given = initial_vectors(shape);
    Vectors vectors = given;

    run_in_lock_step(algorithm, shape, vectors);

    RC_ASSERT(first_fault(algorithm, shape) == "");
    for (std::uint32_t r = 0; r + 1 < shape.ranks; ++r) {
      const HaloStrips &mine = shape.strips[r], &next = shape.strips[r + 1];
      if (kind == CollectiveKind::halo_exchange) {
        RC_ASSERT(strip(vectors[r + 1], next.from_before) == strip(given[r], mine.to_after));
        RC_ASSERT(strip(vectors[r], mine.from_after) == strip(given[r + 1], next.to_before));
      } else {
        RC_ASSERT(strip(vectors[r], mine.to_after) == strip(given[r + 1], next.from_before));
        RC_ASSERT(strip(vectors[r + 1], next.to_before) == strip(given[r], mine.from_after));
      }
    }
  }));
}

TEST_CASE("all ranks hold the same bits after an all-reduce of values whose sum depends on its order") {
  for (const CollectiveAlgorithm& algorithm : collective_algorithms())
    for (const std::uint32_t ranks : {2u, 3u, 4u, 6u, 8u, 12u}) {
      const CollectiveShape shape = shape_of(CollectiveKind::all_reduce, ranks, 101, ranks % 2 == 0 ? 2 : 1);
      if (!algorithm.suits(shape)) continue;
      Vectors vectors(ranks, std::vector<float>(101));
      for (std::uint32_t rank = 0; rank < ranks; ++rank)
        for (std::size_t i = 0; i < 101; ++i) vectors[rank][i] = 1.0f / static_cast<float>(1 + 7 * rank + 13 * i);

      run_in_lock_step(algorithm, shape, vectors);

      INFO(algorithm.name << " over " << ranks);
      CHECK(std::set(vectors.begin(), vectors.end()).size() == 1);
    }
}

TEST_CASE("the ring sums a block in the order in which it travels, so the bits are known beforehand") {
  // Block 0 leaves rank 1, and 2 and 0 add theirs: 0.3 + ((0.1 + 0.2)) in float, one rounding after the other.
  const CollectiveShape shape = shape_of(CollectiveKind::all_reduce, 3, 3);
  Vectors vectors{{0.3f, 0, 0}, {0.1f, 0, 0}, {0.2f, 0, 0}};

  run_in_lock_step(find_collective_algorithm("ring"), shape, vectors);

  CHECK(vectors[0][0] == 0.3f + (0.2f + 0.1f));
}

TEST_CASE("blocks are as equal as can be, the longer ones first") {
  CHECK(equal_bounds(10, 4) == std::vector<std::int64_t>{0, 3, 6, 8, 10});
  CHECK(equal_bounds(2, 4) == std::vector<std::int64_t>{0, 1, 2, 2, 2});
  CHECK(equal_bounds(0, 1) == std::vector<std::int64_t>{0, 0});
}

TEST_CASE("an unknown algorithm is refused with the name that was meant") {
  std::string message;
  try {
    find_collective_algorithm("rings");
  } catch (const InputError& error) {
    message = error.what();
  }

  CHECK_THAT(message, Contains("did you mean \"ring\"?"));
  CHECK_THAT(message, Contains("direct, halving_doubling, hierarchical, neighbours, ring, tree"));
}

TEST_CASE("what an algorithm cannot do falls to the one that can do it for all groups") {
  const CollectiveAlgorithm& hierarchical = find_collective_algorithm("hierarchical");
  const CollectiveAlgorithm& ring = find_collective_algorithm("ring");

  CHECK(suitable_algorithm(hierarchical, shape_of(CollectiveKind::all_reduce, 8, 64, 4)).name == "hierarchical");
  CHECK(suitable_algorithm(hierarchical, shape_of(CollectiveKind::all_reduce, 8, 64, 8)).name == "ring");  // one node
  CHECK(suitable_algorithm(hierarchical, shape_of(CollectiveKind::broadcast, 8, 64, 1)).name == "tree");
  CHECK(suitable_algorithm(ring, shape_of(CollectiveKind::all_to_all, 8, 64)).name == "direct");
  CollectiveShape halo = shape_of(CollectiveKind::halo_return, 2, 8);
  halo.strips.resize(2);
  CHECK(suitable_algorithm(ring, halo).name == "neighbours");
}
