// Two levels, for nodes that are faster inside than between. An all-reduce is a reduce-scatter around the node's ring,
// an all-reduce of the own part around the ring of the ranks with the same place in each node, and an all-gather in the
// node. So a rank sends between nodes only its share of the vector.
#include "plan/collectives/patterns.hpp"
#include "plan/collectives/rows.hpp"

namespace tandem {
namespace {

class TwoLevels {
 public:
  TwoLevels(const CollectiveShape& shape, std::uint32_t rank)
      : shape_(shape), places_(shape.ranks_per_node), nodes_(shape.ranks / places_), node_(rank / places_),
        place_(rank % places_) {}

  RoundExchange all_reduce(std::uint32_t round) const {
    if (round < places_ - 1) return inside(ring_reduce(place_, places_, round), true);
    round -= places_ - 1;
    if (round < nodes_ - 1) return across(ring_reduce(node_, nodes_, round), true);
    round -= nodes_ - 1;
    if (round < nodes_ - 1) return across(ring_gather(node_, nodes_, round), false);
    return inside(ring_gather(place_, places_, round - (nodes_ - 1)), false);
  }
  /// The blocks that end in one node are next to each other: the node's ranks sum them node by node.
  RoundExchange reduce_scatter(std::uint32_t round) const {
    const std::uint32_t rounds_inside = nodes_ * (places_ - 1);
    if (round >= rounds_inside) return across_blocks(ring_reduce(node_, nodes_, round - rounds_inside), true);
    return inside_blocks(ring_reduce(place_, places_, round % (places_ - 1)), round / (places_ - 1), true);
  }
  RoundExchange all_gather(std::uint32_t round) const {
    if (round < nodes_ - 1) return across_blocks(ring_gather(node_, nodes_, round), false);
    round -= nodes_ - 1;
    return inside_blocks(ring_gather(place_, places_, round % (places_ - 1)), round / (places_ - 1), false);
  }
  /// A binomial tree over the nodes' first ranks, then one in each node.
  RoundExchange broadcast(std::uint32_t round) const {
    const std::uint32_t across = tree_levels(nodes_);
    const bool outside = round < across;
    if (outside && place_ != 0) return {};
    const TreeStep step = outside ? tree_down(node_, nodes_, round) : tree_down(place_, places_, round - across);
    const auto peer = [&](std::uint32_t at) {
      return at == kNoRank ? kNoRank : outside ? at * places_ : node_ * places_ + at;
    };
    return exchange_of({peer(step.child), whole(shape_)}, {peer(step.parent), whole(shape_)});
  }

  std::uint32_t rounds() const {
    switch (shape_.kind) {
      case CollectiveKind::all_reduce: return 2 * (places_ - 1) + 2 * (nodes_ - 1);
      case CollectiveKind::broadcast: return tree_levels(nodes_) + tree_levels(places_);
      default: return nodes_ * (places_ - 1) + nodes_ - 1;
    }
  }

 private:
  static ElementRange cut(ElementRange range, std::uint32_t part, std::uint32_t parts) {
    const std::int64_t first = range.count * part / parts, last = range.count * (part + 1) / parts;
    return {range.first + first, last - first};
  }
  RoundExchange along_node(ElementRange sent, ElementRange received, bool adds) const {
    const std::uint32_t first = node_ * places_;
    return exchange_of({first + ahead(place_, 1, places_), sent}, {first + behind(place_, 1, places_), received}, adds);
  }
  RoundExchange along_nodes(ElementRange sent, ElementRange received, bool adds) const {
    return exchange_of({ahead(node_, 1, nodes_) * places_ + place_, sent},
                       {behind(node_, 1, nodes_) * places_ + place_, received}, adds);
  }
  RoundExchange inside(RingStep step, bool adds) const {
    return along_node(cut(whole(shape_), step.sent, places_), cut(whole(shape_), step.received, places_), adds);
  }
  RoundExchange across(RingStep step, bool adds) const {
    const ElementRange own = cut(whole(shape_), place_, places_);
    return along_nodes(cut(own, step.sent, nodes_), cut(own, step.received, nodes_), adds);
  }
  RoundExchange inside_blocks(RingStep step, std::uint32_t node, bool adds) const {
    return along_node(shape_.block(node * places_ + step.sent), shape_.block(node * places_ + step.received), adds);
  }
  RoundExchange across_blocks(RingStep step, bool adds) const {
    const std::uint32_t sent = step.sent * places_ + place_, received = step.received * places_ + place_;
    return along_nodes(shape_.block(sent), shape_.block(received), adds);
  }

  const CollectiveShape& shape_;
  std::uint32_t places_, nodes_, node_, place_;
};

}  // namespace

bool hierarchical_suits(const CollectiveShape& shape) {
  return is_blockwise(shape.kind) && shape.ranks_per_node > 1 && shape.ranks_per_node < shape.ranks &&
         shape.ranks % shape.ranks_per_node == 0;
}

std::uint32_t hierarchical_rounds(const CollectiveShape& shape) { return TwoLevels(shape, 0).rounds(); }

RoundExchange hierarchical_exchange(const CollectiveShape& shape, std::uint32_t rank, std::uint32_t round) {
  const TwoLevels levels(shape, rank);
  switch (shape.kind) {
    case CollectiveKind::all_reduce: return levels.all_reduce(round);
    case CollectiveKind::reduce_scatter: return levels.reduce_scatter(round);
    case CollectiveKind::all_gather: return levels.all_gather(round);
    default: return levels.broadcast(round);
  }
}

}  // namespace tandem
