#pragma once
// Who meets whom on a ring and on a binomial tree: what several algorithms are made of. No division: simulators ask
// for millions of exchanges.

#include <algorithm>
#include <bit>

#include "plan/collective.hpp"

namespace tandem {

/// One direction of an exchange: with whom, and which elements.
struct HalfExchange {
  std::uint32_t peer = kNoRank;
  ElementRange range{};
};

/// No message is sent for an empty range.
inline RoundExchange exchange_of(HalfExchange sent, HalfExchange received, bool adds = false) {
  RoundExchange exchange;
  if (sent.peer != kNoRank && sent.range.count > 0) exchange.to = sent.peer, exchange.sent = sent.range;
  if (received.peer != kNoRank && received.range.count > 0)
    exchange.from = received.peer, exchange.received = received.range, exchange.adds = adds;
  return exchange;
}

inline ElementRange whole(const CollectiveShape& shape) { return {0, shape.elements()}; }
/// Blocks first, ..., last - 1.
inline ElementRange blocks(const CollectiveShape& shape, std::uint32_t first, std::uint32_t last) {
  return {shape.bounds[first], shape.bounds[last] - shape.bounds[first]};
}

/// The kinds whose vector is cut into one block a rank, or not at all.
inline bool is_blockwise(CollectiveKind kind) {
  return kind == CollectiveKind::all_reduce || kind == CollectiveKind::reduce_scatter ||
         kind == CollectiveKind::all_gather || kind == CollectiveKind::broadcast;
}

/// position + step on a ring; step <= size.
inline std::uint32_t ahead(std::uint32_t position, std::uint32_t step, std::uint32_t size) {
  const std::uint32_t sum = position + step;
  return sum >= size ? sum - size : sum;
}
inline std::uint32_t behind(std::uint32_t position, std::uint32_t step, std::uint32_t size) {
  return position >= step ? position - step : position + size - step;
}

/// Which of `size` blocks a place of a ring sends on and receives in a round; there are size - 1 rounds.
struct RingStep {
  std::uint32_t sent, received;
};
/// Afterwards place p holds the sum of block p.
inline RingStep ring_reduce(std::uint32_t place, std::uint32_t size, std::uint32_t round) {
  const std::uint32_t sent = behind(place, round + 1, size);
  return {sent, behind(sent, 1, size)};
}
/// Before it place p holds block p, afterwards all do all.
inline RingStep ring_gather(std::uint32_t place, std::uint32_t size, std::uint32_t round) {
  const std::uint32_t sent = behind(place, round, size);
  return {sent, behind(sent, 1, size)};
}

/// The places that meet in one round of a binomial tree over places 0, ..., size - 1 with its root at 0; at most one of
/// the two is there. The subtree of the child begins at the child and has up to `distance` places.
struct TreeStep {
  std::uint32_t child = kNoRank, parent = kNoRank, distance = 0;
};
/// Rounds of a way up or down: ceil(log2 size).
inline std::uint32_t tree_levels(std::uint32_t size) { return static_cast<std::uint32_t>(std::bit_width(size - 1)); }
inline TreeStep tree_step(std::uint32_t place, std::uint32_t size, std::uint32_t distance) {
  const std::uint32_t within = place & (2 * distance - 1);
  if (within == 0 && place + distance < size) return {place + distance, kNoRank, distance};
  if (within == distance) return {kNoRank, place - distance, distance};
  return {kNoRank, kNoRank, distance};
}
/// From the leaves to the root: children send.
inline TreeStep tree_up(std::uint32_t place, std::uint32_t size, std::uint32_t round) {
  return tree_step(place, size, 1u << round);
}
/// From the root to the leaves: parents send.
inline TreeStep tree_down(std::uint32_t place, std::uint32_t size, std::uint32_t round) {
  return tree_step(place, size, 1u << (tree_levels(size) - 1 - round));
}

}  // namespace tandem
