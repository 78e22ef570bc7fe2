#pragma once
// Collectives on real vectors in one thread: the rounds of all ranks in lock-step, and what the definition says.

#include <algorithm>
#include <string>
#include <vector>

#include "plan/collective.hpp"

namespace tandem {

using Vectors = std::vector<std::vector<float>>;  ///< by rank

/// Any mark of a value that no collective may leave behind.
inline constexpr float kGarbage = -1e9f;

inline CollectiveShape shape_of(CollectiveKind kind, std::uint32_t ranks, std::int64_t elements,
                                std::uint32_t ranks_per_node = 1) {
  return {kind, ranks, ranks_per_node, equal_bounds(elements, ranks)};
}

/// Small whole numbers, so that sums are exact in any order; garbage where the kind says that nothing is brought.
inline Vectors initial_vectors(const CollectiveShape& shape) {
  Vectors vectors(shape.ranks, std::vector<float>(static_cast<std::size_t>(shape.elements()), kGarbage));
  for (std::uint32_t rank = 0; rank < shape.ranks; ++rank)
    for (std::size_t i = 0; i < vectors[rank].size(); ++i) {
      const auto at = static_cast<std::int64_t>(i);
      const ElementRange own = shape.block(rank);
      const bool brings = shape.kind == CollectiveKind::all_gather   ? at >= own.first && at < own.first + own.count
                          : shape.kind == CollectiveKind::broadcast  ? rank == 0
                          : shape.kind == CollectiveKind::all_to_all ? at < shape.elements() / 2
                                                                     : true;
      if (brings) vectors[rank][i] = static_cast<float>(static_cast<std::int64_t>(rank) * 1000 + at);
    }
  return vectors;
}

/// All sends of a round leave before any of its receives arrives.
inline void run_in_lock_step(const CollectiveAlgorithm& algorithm, const CollectiveShape& shape, Vectors& vectors) {
  for (std::uint32_t rank = 0; rank < shape.ranks; ++rank) {
    const LocalCopy copy = local_copy(shape, rank);
    const auto first = vectors[rank].begin();
    std::copy_n(first + copy.from.first, copy.from.count, first + copy.to.first);
  }
  for (std::uint32_t round = 0; round < algorithm.rounds(shape); ++round) {
    const Vectors before = vectors;
    for (std::uint32_t rank = 0; rank < shape.ranks; ++rank) {
      const RoundExchange mine = algorithm.exchange(shape, rank, round);
      if (mine.from == kNoRank) continue;
      const RoundExchange theirs = algorithm.exchange(shape, mine.from, round);
      for (std::int64_t i = 0; i < mine.received.count; ++i) {
        float& target = vectors[rank][static_cast<std::size_t>(mine.received.first + i)];
        const float arrived = before[mine.from][static_cast<std::size_t>(theirs.sent.first + i)];
        target = mine.adds ? target + arrived : arrived;
      }
    }
  }
}

/// The first element that differs from the definition, as text; empty when all agree.
inline std::string difference_from_definition(const CollectiveShape& shape, const Vectors& given, const Vectors& got) {
  const auto n = static_cast<std::int64_t>(shape.ranks), half = shape.elements() / 2, count = half / n;
  for (std::uint32_t rank = 0; rank < shape.ranks; ++rank) {
    const ElementRange own = shape.block(rank);
    for (std::int64_t i = 0; i < shape.elements(); ++i) {
      const auto at = static_cast<std::size_t>(i);
      float want = got[rank][at];  // where the definition leaves it open
      if (shape.kind == CollectiveKind::all_reduce ||
          (shape.kind == CollectiveKind::reduce_scatter && i >= own.first && i < own.first + own.count)) {
        want = 0;
        for (const auto& vector : given) want += vector[at];
      }
      if (shape.kind == CollectiveKind::all_gather)
        for (std::uint32_t other = 0; other < shape.ranks; ++other)
          if (i >= shape.bounds[other] && i < shape.bounds[other + 1]) want = given[other][at];
      if (shape.kind == CollectiveKind::broadcast) want = given[0][at];
      if (shape.kind == CollectiveKind::all_to_all)
        want = i < half ? given[rank][at]
                        : given[static_cast<std::size_t>((i - half) / count)]
                               [static_cast<std::size_t>(static_cast<std::int64_t>(rank) * count + (i - half) % count)];
      if (got[rank][at] != want)
        return "rank " + std::to_string(rank) + ", element " + std::to_string(i) + ": got " +
               std::to_string(got[rank][at]) + ", want " + std::to_string(want);
    }
  }
  return "";
}

}  // namespace tandem
