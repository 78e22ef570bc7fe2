// Every rank sends to the next one and receives from the one before: a block travels around, gathering its sum, and a
// second time, handing it out. A broadcast flows block by block along the chain that begins at rank 0.
#include "plan/collectives/patterns.hpp"
#include "plan/collectives/rows.hpp"

namespace tandem {
namespace {

RoundExchange chain(const CollectiveShape& shape, std::uint32_t rank, std::uint32_t round) {
  HalfExchange sent, received;
  if (rank + 1 < shape.ranks && round >= rank && round - rank < shape.ranks)
    sent = {rank + 1, shape.block(round - rank)};
  if (rank > 0 && round + 1 >= rank && round + 1 - rank < shape.ranks)
    received = {rank - 1, shape.block(round + 1 - rank)};
  return exchange_of(sent, received);
}

}  // namespace

bool ring_suits(const CollectiveShape& shape) { return is_blockwise(shape.kind); }

std::uint32_t ring_rounds(const CollectiveShape& shape) {
  const bool twice = shape.kind == CollectiveKind::all_reduce || shape.kind == CollectiveKind::broadcast;
  return (twice ? 2 : 1) * (shape.ranks - 1);
}

RoundExchange ring_exchange(const CollectiveShape& shape, std::uint32_t rank, std::uint32_t round) {
  if (shape.kind == CollectiveKind::broadcast) return chain(shape, rank, round);
  const std::uint32_t size = shape.ranks;
  const bool adds = shape.kind != CollectiveKind::all_gather && round < size - 1;
  const bool gathers_after = shape.kind == CollectiveKind::all_reduce && !adds;
  const RingStep step =
      adds ? ring_reduce(rank, size, round) : ring_gather(rank, size, gathers_after ? round - (size - 1) : round);
  const HalfExchange sent{ahead(rank, 1, size), shape.block(step.sent)};
  const HalfExchange received{behind(rank, 1, size), shape.block(step.received)};
  return exchange_of(sent, received, adds);
}

}  // namespace tandem
