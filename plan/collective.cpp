#include "plan/collective.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.hpp"
#include "plan/collectives/rows.hpp"

namespace tandem {
namespace {

constexpr CollectiveAlgorithm kAlgorithms[] = {
    {"direct", "every rank meets every other one, a pair a round",
     "pairwise exchange: Thakur et al., IJHPCA 19(1), 2005", direct_suits, direct_rounds,
     direct_exchange},
    {"halving_doubling", "recursive halving, then doubling, with ranks beyond a power of two folded in",
     "Rabenseifner, ICCS 2004; Thakur et al., IJHPCA 19(1), 2005", halving_doubling_suits,
     halving_doubling_rounds, halving_doubling_exchange},
    {"hierarchical", "rings inside the nodes, and a ring between them for each place in a node",
     "Jia et al., arXiv 1807.11205", hierarchical_suits, hierarchical_rounds, hierarchical_exchange},
    {"neighbours", "strips of a halo between neighbours, forth and back",
     "Dryden et al., arXiv 1903.06681", neighbours_suits, neighbours_rounds, neighbours_exchange},
    {"ring", "blocks travel around a ring: the fewest bytes, the most rounds",
     "Patarasuk and Yuan, JPDC 69(2), 2009", ring_suits, ring_rounds, ring_exchange},
    {"tree", "up a binomial tree and down again: the fewest rounds, the most bytes",
     "Thakur et al., IJHPCA 19(1), 2005", tree_suits, tree_rounds, tree_exchange},
};

std::string_view fallback_for(CollectiveKind kind) {
  switch (kind) {
    case CollectiveKind::broadcast: return "tree";
    case CollectiveKind::all_to_all: return "direct";
    case CollectiveKind::halo_exchange:
    case CollectiveKind::halo_return: return "neighbours";
    default: return "ring";
  }
}

/// Messages of a round begin when both ends have entered it.
class LockStep {
 public:
  LockStep(const CollectiveShape& shape, const MessageCost& inside, const MessageCost& between)
      : shape_(shape), inside_(inside), between_(between), entered_(shape.ranks), left_(shape.ranks) {}

  void receive(std::uint32_t rank, const RoundExchange& exchange) {
    const Seconds end = std::max(entered_[rank], entered_[exchange.from]) + cost(rank, exchange);
    left_[rank] = std::max(left_[rank], end);
    left_[exchange.from] = std::max(left_[exchange.from], end);
  }
  void end_round() { entered_ = left_; }
  Seconds end() const { return *std::max_element(left_.begin(), left_.end()); }

 private:
  Seconds cost(std::uint32_t rank, const RoundExchange& exchange) const {
    const bool together = rank / shape_.ranks_per_node == exchange.from / shape_.ranks_per_node;
    const MessageCost& link = together ? inside_ : between_;
    return link.latency + shape_.bytes(exchange.received) / link.bandwidth;
  }

  const CollectiveShape& shape_;
  const MessageCost &inside_, &between_;
  std::vector<Seconds> entered_, left_;  ///< by rank
};

}  // namespace

std::string_view name_of(CollectiveKind kind) {
  static constexpr std::string_view kNames[] = {"all_reduce", "reduce_scatter", "all_gather", "broadcast",
                                                "all_to_all", "halo_exchange",  "halo_return"};
  return kNames[static_cast<std::size_t>(kind)];
}

std::vector<std::int64_t> equal_bounds(std::int64_t elements, std::uint32_t ranks) {
  invariant(ranks > 0 && elements >= 0, "a vector is cut into blocks");
  std::vector<std::int64_t> bounds{0};
  for (std::uint32_t rank = 0; rank < ranks; ++rank)
    bounds.push_back(bounds.back() + elements / ranks + (rank < elements % ranks ? 1 : 0));
  return bounds;
}

LocalCopy local_copy(const CollectiveShape& shape, std::uint32_t rank) {
  if (shape.kind != CollectiveKind::all_to_all) return {};
  const std::int64_t half = shape.elements() / 2, count = half / shape.ranks;
  return {{rank * count, count}, {half + rank * count, count}};
}

std::span<const CollectiveAlgorithm> collective_algorithms() { return kAlgorithms; }

const CollectiveAlgorithm& find_collective_algorithm(std::string_view name) {
  std::vector<std::string> names;
  for (const CollectiveAlgorithm& row : kAlgorithms) {
    if (row.name == name) return row;
    names.emplace_back(row.name);
  }
  throw InputError(fmt::format("no such collective algorithm{}", did_you_mean(name, names)), name,
                   fmt::format("one of {}", fmt::join(names, ", ")));
}

const CollectiveAlgorithm& suitable_algorithm(const CollectiveAlgorithm& preferred, const CollectiveShape& shape) {
  if (preferred.suits(shape)) return preferred;
  const CollectiveAlgorithm& row = find_collective_algorithm(fallback_for(shape.kind));
  invariant(row.suits(shape), "every kind has an algorithm for all groups");
  return row;
}

Seconds uncontended_time(const CollectiveAlgorithm& algorithm, const CollectiveShape& shape, const MessageCost& inside,
                         const MessageCost& between) {
  invariant(algorithm.suits(shape), "the algorithm can do this");
  LockStep ranks(shape, inside, between);
  const std::uint32_t rounds = algorithm.rounds(shape);
  for (std::uint32_t round = 0; round < rounds; ++round) {
    for (std::uint32_t rank = 0; rank < shape.ranks; ++rank)
      if (const RoundExchange exchange = algorithm.exchange(shape, rank, round); exchange.from != kNoRank)
        ranks.receive(rank, exchange);
    ranks.end_round();
  }
  return ranks.end();
}

const CollectiveAlgorithm& cheapest_algorithm(const CollectiveShape& shape, const MessageCost& inside,
                                              const MessageCost& between) {
  const CollectiveAlgorithm* cheapest = nullptr;
  Seconds least;
  for (const CollectiveAlgorithm& row : kAlgorithms) {
    if (!row.suits(shape)) continue;
    const Seconds time = uncontended_time(row, shape, inside, between);
    if (cheapest && time >= least) continue;
    cheapest = &row;
    least = time;
  }
  invariant(cheapest != nullptr, "every kind has an algorithm for all groups");
  return *cheapest;
}

Bytes CollectiveShape::vector_bytes(std::uint32_t rank) const {
  if (strips.empty()) return bytes_of(type) * elements();
  std::int64_t end = 0;
  const HaloStrips& own = strips.at(rank);
  for (const ElementRange& range : {own.from_before, own.from_after, own.to_before, own.to_after})
    end = std::max(end, range.first + range.count);
  return bytes_of(type) * end;
}

Bytes bytes_sent(const CollectiveAlgorithm& algorithm, const CollectiveShape& shape, std::uint32_t rank) {
  invariant(rank < shape.ranks, "the rank is in the group");
  Bytes sum;
  const std::uint32_t rounds = algorithm.rounds(shape);
  for (std::uint32_t round = 0; round < rounds; ++round) sum += shape.bytes(algorithm.exchange(shape, rank, round).sent);
  return sum;
}

}  // namespace tandem
