// Strips between neighbours in two rounds: all to the next one, then all to the one before.
#include "plan/collectives/patterns.hpp"
#include "plan/collectives/rows.hpp"

namespace tandem {
namespace {

bool is_halo(CollectiveKind kind) {
  return kind == CollectiveKind::halo_exchange || kind == CollectiveKind::halo_return;
}

}  // namespace

bool neighbours_suits(const CollectiveShape& shape) {
  return is_halo(shape.kind) && shape.strips.size() == shape.ranks;
}

std::uint32_t neighbours_rounds(const CollectiveShape& shape) { return shape.ranks > 1 ? 2 : 0; }

RoundExchange neighbours_exchange(const CollectiveShape& shape, std::uint32_t rank, std::uint32_t round) {
  const HaloStrips& strips = shape.strips[rank];
  const bool forth = shape.kind == CollectiveKind::halo_exchange;
  const std::uint32_t before = rank > 0 ? rank - 1 : kNoRank, after = rank + 1 < shape.ranks ? rank + 1 : kNoRank;
  const HalfExchange sent_on{after, forth ? strips.to_after : strips.from_after};
  const HalfExchange got_from_before{before, forth ? strips.from_before : strips.to_before};
  const HalfExchange sent_back{before, forth ? strips.to_before : strips.from_before};
  const HalfExchange got_from_after{after, forth ? strips.from_after : strips.to_after};
  return round == 0 ? exchange_of(sent_on, got_from_before) : exchange_of(sent_back, got_from_after);
}

}  // namespace tandem
