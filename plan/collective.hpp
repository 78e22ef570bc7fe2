#pragma once
// Collectives as rows of a table: for each rank and round, the one message it sends and the one it receives.
//
// A collective acts in place on a vector of real values that every rank of its group holds. Both rides follow the
// rounds: a rank enters round k + 1 when its own send and receive of round k are over; the message that rank i sends
// to j in round k is the one that j receives from i in round k. Within a round what a rank sends and what it receives
// do not overlap, so a message may be copied straight from one rank's memory to the other's.

#include <array>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "base/units.hpp"
#include "models/element_type.hpp"

namespace tandem {

enum class CollectiveKind : std::uint8_t {
  all_reduce,        ///< all hold the sum of all vectors
  reduce_scatter,    ///< rank r holds the sum of block r; the rest of its vector is undefined
  all_gather,        ///< rank r brings block r; all hold all blocks
  broadcast,         ///< rank 0 brings the vector
  all_to_all,        ///< the vector is two halves of n equal blocks: block i of r's first becomes block r of i's second
  halo_exchange,     ///< neighbours trade strips: to_before and to_after are sent, from_before and from_after filled
  halo_return,       ///< its adjoint: from_before and from_after are sent, to_before and to_after filled
};
std::string_view name_of(CollectiveKind kind);

/// Elements [first, first + count) of a rank's vector.
struct ElementRange {
  std::int64_t first = 0, count = 0;
  bool operator==(const ElementRange&) const = default;
};

/// The strips of one rank in a halo exchange; empty where it has no such neighbour. What rank r sends as to_after is
/// as long as from_before of r + 1.
struct HaloStrips {
  ElementRange from_before, from_after, to_before, to_after;
};

/// What is to be done, whatever the algorithm.
struct CollectiveShape {
  CollectiveKind kind = CollectiveKind::all_reduce;
  std::uint32_t ranks = 1;
  std::uint32_t ranks_per_node = 1;        ///< consecutive ranks that share a node; divides ranks (else 1)
  std::vector<std::int64_t> bounds;        ///< ranks + 1: block r is [bounds[r], bounds[r + 1]); blocks may be empty
  std::vector<HaloStrips> strips{};        ///< by rank, of a halo exchange or return
  ElementType type = ElementType::float32;

  std::int64_t elements() const { return bounds.empty() ? 0 : bounds.back(); }
  Bytes bytes(ElementRange range) const { return bytes_of(type) * range.count; }
  /// From the beginning of the rank's vector to its end: ranks at an image's edge have fewer strips, or longer ones.
  Bytes vector_bytes(std::uint32_t rank) const;
  ElementRange block(std::uint32_t rank) const { return {bounds[rank], bounds[rank + 1] - bounds[rank]}; }
};

/// Blocks as equal as can be: the first elements % ranks of them are longer by one.
std::vector<std::int64_t> equal_bounds(std::int64_t elements, std::uint32_t ranks);

inline constexpr std::uint32_t kNoRank = 0xffffffff;

/// One rank's part of one round; kNoRank: it sends, or receives, nothing.
struct RoundExchange {
  std::uint32_t to = kNoRank, from = kNoRank;
  ElementRange sent, received;
  bool adds = false;  ///< what is received is added to what is there
};

/// What a rank copies within its own vector, before the first round: its own block of an all-to-all. Empty otherwise.
struct LocalCopy {
  ElementRange from, to;
};
LocalCopy local_copy(const CollectiveShape& shape, std::uint32_t rank);

struct CollectiveAlgorithm {
  std::string_view name;     ///< "ring"
  std::string_view meaning;
  std::string_view source;
  bool (*suits)(const CollectiveShape&);   ///< kinds and numbers of ranks that it can do
  std::uint32_t (*rounds)(const CollectiveShape&);
  RoundExchange (*exchange)(const CollectiveShape&, std::uint32_t rank, std::uint32_t round);
};

/// Sorted by name.
std::span<const CollectiveAlgorithm> collective_algorithms();
/// Throws InputError with a "did you mean".
const CollectiveAlgorithm& find_collective_algorithm(std::string_view name);
/// The algorithm for this shape: `preferred` where it suits; otherwise the one that all groups can use for this kind.
const CollectiveAlgorithm& suitable_algorithm(const CollectiveAlgorithm& preferred, const CollectiveShape& shape);

/// Predicted time when every message takes latency + bytes / bandwidth from when both its ends have entered the round,
/// without contention: what `auto` compares. Messages inside a node cost `inside`, those between nodes `between`.
struct MessageCost {
  Seconds latency;
  BytesPerSecond bandwidth;
};
Seconds uncontended_time(const CollectiveAlgorithm& algorithm, const CollectiveShape& shape, const MessageCost& inside,
                         const MessageCost& between);
/// The cheapest suitable one by uncontended_time; ties: first by name.
const CollectiveAlgorithm& cheapest_algorithm(const CollectiveShape& shape, const MessageCost& inside,
                                              const MessageCost& between);

/// Bytes that this rank sends, over all rounds.
Bytes bytes_sent(const CollectiveAlgorithm& algorithm, const CollectiveShape& shape, std::uint32_t rank);

}  // namespace tandem
