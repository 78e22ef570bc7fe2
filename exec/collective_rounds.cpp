#include "exec/collective_rounds.hpp"

#include <cstring>

#include "base/error.hpp"
#include "exec/stored_values.hpp"

namespace tandem {
namespace {

std::int64_t offset(ElementType type, const ElementRange& range) { return bytes_of(type).count * range.first; }

void copy(const CollectiveShape& shape, const ElementRange& range, const std::byte* from, std::byte* to) {
  std::memcpy(to, from, static_cast<std::size_t>(shape.bytes(range).count));
}

}  // namespace

void copy_own(const CollectiveShape& shape, std::uint32_t rank, std::byte* vector) {
  const LocalCopy own = local_copy(shape, rank);
  if (own.from.count > 0)
    copy(shape, own.from, vector + offset(shape.type, own.from), vector + offset(shape.type, own.to));
}

void take_message(const CollectiveShape& shape, const RoundExchange& sent, const std::byte* sender,
                  const RoundExchange& received, std::byte* receiver) {
  invariant(sent.sent.count == received.received.count, "both ends of a message have one size");
  const std::byte* from = sender + offset(shape.type, sent.sent);
  std::byte* to = receiver + offset(shape.type, received.received);
  return received.adds ? add_values(shape.type, from, sent.sent.count, to) : copy(shape, sent.sent, from, to);
}

void run_all_ranks(const CollectiveSpec& spec, std::span<std::byte* const> vectors) {
  const CollectiveShape& shape = spec.shape;
  for (std::uint32_t rank = 0; rank < shape.ranks; ++rank) copy_own(shape, rank, vectors[rank]);
  const std::uint32_t rounds = spec.algorithm->rounds(shape);
  for (std::uint32_t round = 0; round < rounds; ++round)
    for (std::uint32_t rank = 0; rank < shape.ranks; ++rank) {
      const RoundExchange mine = spec.algorithm->exchange(shape, rank, round);
      if (mine.from == kNoRank) continue;
      take_message(shape, spec.algorithm->exchange(shape, mine.from, round), vectors[mine.from], mine, vectors[rank]);
    }
}

}  // namespace tandem
