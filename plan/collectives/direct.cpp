// In round k every rank meets the ones k + 1 places after and before it, until each has met all others.
#include "plan/collectives/patterns.hpp"
#include "plan/collectives/rows.hpp"

namespace tandem {
namespace {

/// Block `index` of the first half, or of the second, of an all-to-all's vector.
ElementRange traded(const CollectiveShape& shape, std::uint32_t index, bool second_half) {
  const std::int64_t count = shape.elements() / 2 / shape.ranks;
  return {(second_half ? shape.elements() / 2 : 0) + index * count, count};
}

}  // namespace

bool direct_suits(const CollectiveShape& shape) {
  if (shape.kind != CollectiveKind::all_to_all) return is_blockwise(shape.kind);
  return shape.elements() % (2 * static_cast<std::int64_t>(shape.ranks)) == 0;
}

std::uint32_t direct_rounds(const CollectiveShape& shape) {
  return (shape.kind == CollectiveKind::all_reduce ? 2 : 1) * (shape.ranks - 1);
}

RoundExchange direct_exchange(const CollectiveShape& shape, std::uint32_t rank, std::uint32_t round) {
  const std::uint32_t others = shape.ranks - 1;
  const std::uint32_t step = 1 + (round < others ? round : round - others);
  const std::uint32_t to = ahead(rank, step, shape.ranks), from = behind(rank, step, shape.ranks);
  if (shape.kind == CollectiveKind::all_to_all)
    return exchange_of({to, traded(shape, to, false)}, {from, traded(shape, from, true)});
  if (shape.kind == CollectiveKind::broadcast)
    return exchange_of({rank == 0 ? to : kNoRank, whole(shape)}, {rank == step ? 0 : kNoRank, whole(shape)});
  const bool adds = shape.kind != CollectiveKind::all_gather && round < others;
  return adds ? exchange_of({to, shape.block(to)}, {from, shape.block(rank)}, true)
              : exchange_of({to, shape.block(rank)}, {from, shape.block(from)});
}

}  // namespace tandem
