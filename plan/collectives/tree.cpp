// A binomial tree with its root at rank 0: sums, or blocks, go up to the root, and what it then holds goes down.
#include "plan/collectives/patterns.hpp"
#include "plan/collectives/rows.hpp"

namespace tandem {
namespace {

std::uint32_t rounds_up(const CollectiveShape& shape) {
  return shape.kind == CollectiveKind::broadcast ? 0 : tree_levels(shape.ranks);
}

/// What moves between a child and its parent: all, or no more than the blocks of the child's subtree.
ElementRange moved(const CollectiveShape& shape, std::uint32_t child, std::uint32_t distance, bool up) {
  const bool subtree = shape.kind == (up ? CollectiveKind::all_gather : CollectiveKind::reduce_scatter);
  return subtree ? blocks(shape, child, std::min(child + distance, shape.ranks)) : whole(shape);
}

}  // namespace

bool tree_suits(const CollectiveShape& shape) { return is_blockwise(shape.kind); }

std::uint32_t tree_rounds(const CollectiveShape& shape) { return rounds_up(shape) + tree_levels(shape.ranks); }

RoundExchange tree_exchange(const CollectiveShape& shape, std::uint32_t rank, std::uint32_t round) {
  const std::uint32_t ups = rounds_up(shape);
  const bool up = round < ups;
  const TreeStep step = up ? tree_up(rank, shape.ranks, round) : tree_down(rank, shape.ranks, round - ups);
  HalfExchange with_child, with_parent;
  if (step.child != kNoRank) with_child = {step.child, moved(shape, step.child, step.distance, up)};
  if (step.parent != kNoRank) with_parent = {step.parent, moved(shape, rank, step.distance, up)};
  return up ? exchange_of(with_parent, with_child, shape.kind != CollectiveKind::all_gather)
            : exchange_of(with_child, with_parent);
}

}  // namespace tandem
