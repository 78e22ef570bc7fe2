#include "exec/collective_rounds.hpp"

#include <cstring>

#include "base/error.hpp"

namespace tandem {
namespace {

void copy(const float* from, std::int64_t count, float* to) {
  std::memcpy(to, from, static_cast<std::size_t>(count) * sizeof(float));
}

/// The vectors of two ranks never overlap.
void add(const float* __restrict from, std::int64_t count, float* __restrict to) {
  for (std::int64_t i = 0; i < count; ++i) to[i] += from[i];
}

}  // namespace

void copy_own(const CollectiveShape& shape, std::uint32_t rank, float* vector) {
  const LocalCopy own = local_copy(shape, rank);
  if (own.from.count > 0) copy(vector + own.from.first, own.from.count, vector + own.to.first);
}

void take_message(const RoundExchange& sent, const float* sender, const RoundExchange& received, float* receiver) {
  invariant(sent.sent.count == received.received.count, "both ends of a message have one size");
  const float* from = sender + sent.sent.first;
  float* to = receiver + received.received.first;
  return received.adds ? add(from, sent.sent.count, to) : copy(from, sent.sent.count, to);
}

void run_all_ranks(const CollectiveSpec& spec, std::span<float* const> vectors) {
  const CollectiveShape& shape = spec.shape;
  for (std::uint32_t rank = 0; rank < shape.ranks; ++rank) copy_own(shape, rank, vectors[rank]);
  const std::uint32_t rounds = spec.algorithm->rounds(shape);
  for (std::uint32_t round = 0; round < rounds; ++round)
    for (std::uint32_t rank = 0; rank < shape.ranks; ++rank) {
      const RoundExchange mine = spec.algorithm->exchange(shape, rank, round);
      if (mine.from == kNoRank) continue;
      take_message(spec.algorithm->exchange(shape, mine.from, round), vectors[mine.from], mine, vectors[rank]);
    }
}

}  // namespace tandem
