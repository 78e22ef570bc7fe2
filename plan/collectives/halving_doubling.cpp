// Recursive halving, then recursive doubling, among the largest power of two of ranks. Of the others each is folded
// into its neighbour before, and gets the result from it: ranks 2c and 2c + 1 act as core c, for the first cores.
#include "plan/collectives/patterns.hpp"
#include "plan/collectives/rows.hpp"

namespace tandem {
namespace {

class Halving {
 public:
  explicit Halving(const CollectiveShape& shape)
      : shape_(shape), cores_(std::bit_floor(shape.ranks)), folded_(shape.ranks - cores_),
        levels_(tree_levels(cores_)) {}

  std::uint32_t fold_rounds() const { return folded_ > 0 && shape_.kind != CollectiveKind::broadcast ? 1 : 0; }
  std::uint32_t halving_rounds() const { return shape_.kind == CollectiveKind::all_gather ? 0 : levels_; }
  std::uint32_t doubling_rounds() const { return shape_.kind == CollectiveKind::reduce_scatter ? 0 : levels_; }
  std::uint32_t rounds() const { return fold_rounds() + halving_rounds() + doubling_rounds() + (folded_ > 0 ? 1 : 0); }

  RoundExchange at(std::uint32_t rank, std::uint32_t round) const {
    if (round < fold_rounds()) return fold(rank);
    round -= fold_rounds();
    if (round >= halving_rounds() + doubling_rounds()) return unfold(rank);
    if (is_folded(rank)) return {};
    return round < halving_rounds() ? halve(core_of(rank), cores_ >> (round + 1))
                                    : double_up(core_of(rank), 1u << (round - halving_rounds()));
  }

 private:
  bool has_folded(std::uint32_t rank) const { return rank < 2 * folded_ && rank % 2 == 0; }
  bool is_folded(std::uint32_t rank) const { return rank < 2 * folded_ && rank % 2 == 1; }
  std::uint32_t core_of(std::uint32_t rank) const { return rank < 2 * folded_ ? rank / 2 : rank - folded_; }
  std::uint32_t rank_of(std::uint32_t core) const { return core < folded_ ? 2 * core : core + folded_; }

  /// A sum for all may be cut anywhere, so into equal parts; else a core stands for its ranks' blocks.
  std::int64_t first_of(std::uint32_t core) const {
    return shape_.kind == CollectiveKind::all_reduce ? shape_.elements() * core / cores_ : shape_.bounds[rank_of(core)];
  }
  /// The part of the aligned group of `size` cores that `core` is in.
  ElementRange group_of(std::uint32_t core, std::uint32_t size) const {
    const std::uint32_t first = core & ~(size - 1);
    return {first_of(first), first_of(first + size) - first_of(first)};
  }

  RoundExchange fold(std::uint32_t rank) const {
    const bool adds = shape_.kind != CollectiveKind::all_gather;
    if (is_folded(rank)) return exchange_of({rank - 1, adds ? whole(shape_) : shape_.block(rank)}, {});
    if (has_folded(rank)) return exchange_of({}, {rank + 1, adds ? whole(shape_) : shape_.block(rank + 1)}, adds);
    return {};
  }
  RoundExchange unfold(std::uint32_t rank) const {
    const bool scattered = shape_.kind == CollectiveKind::reduce_scatter;
    if (has_folded(rank)) return exchange_of({rank + 1, scattered ? shape_.block(rank + 1) : whole(shape_)}, {});
    if (is_folded(rank)) return exchange_of({}, {rank - 1, scattered ? shape_.block(rank) : whole(shape_)});
    return {};
  }
  /// Each keeps the half that it is in and gives the other one away; of a broadcast the first of a group alone has one.
  RoundExchange halve(std::uint32_t core, std::uint32_t distance) const {
    const std::uint32_t partner = core ^ distance, peer = rank_of(partner);
    const HalfExchange given{peer, group_of(partner, distance)}, kept{peer, group_of(core, distance)};
    if (shape_.kind != CollectiveKind::broadcast) return exchange_of(given, kept, true);
    const std::uint32_t within = core & (2 * distance - 1);
    return exchange_of(within == 0 ? given : HalfExchange{}, within == distance ? kept : HalfExchange{});
  }
  RoundExchange double_up(std::uint32_t core, std::uint32_t distance) const {
    const std::uint32_t partner = core ^ distance, peer = rank_of(partner);
    return exchange_of({peer, group_of(core, distance)}, {peer, group_of(partner, distance)});
  }

  const CollectiveShape& shape_;
  std::uint32_t cores_, folded_, levels_;
};

}  // namespace

bool halving_doubling_suits(const CollectiveShape& shape) { return is_blockwise(shape.kind); }

std::uint32_t halving_doubling_rounds(const CollectiveShape& shape) { return Halving(shape).rounds(); }

RoundExchange halving_doubling_exchange(const CollectiveShape& shape, std::uint32_t rank, std::uint32_t round) {
  return Halving(shape).at(rank, round);
}

}  // namespace tandem
