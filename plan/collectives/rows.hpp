#pragma once
// The functions behind the rows of the table of collectives, one file each.

#include "plan/collective.hpp"

namespace tandem {

bool direct_suits(const CollectiveShape& shape);
std::uint32_t direct_rounds(const CollectiveShape& shape);
RoundExchange direct_exchange(const CollectiveShape& shape, std::uint32_t rank, std::uint32_t round);

bool halving_doubling_suits(const CollectiveShape& shape);
std::uint32_t halving_doubling_rounds(const CollectiveShape& shape);
RoundExchange halving_doubling_exchange(const CollectiveShape& shape, std::uint32_t rank, std::uint32_t round);

bool hierarchical_suits(const CollectiveShape& shape);
std::uint32_t hierarchical_rounds(const CollectiveShape& shape);
RoundExchange hierarchical_exchange(const CollectiveShape& shape, std::uint32_t rank, std::uint32_t round);

bool neighbours_suits(const CollectiveShape& shape);
std::uint32_t neighbours_rounds(const CollectiveShape& shape);
RoundExchange neighbours_exchange(const CollectiveShape& shape, std::uint32_t rank, std::uint32_t round);

bool ring_suits(const CollectiveShape& shape);
std::uint32_t ring_rounds(const CollectiveShape& shape);
RoundExchange ring_exchange(const CollectiveShape& shape, std::uint32_t rank, std::uint32_t round);

bool tree_suits(const CollectiveShape& shape);
std::uint32_t tree_rounds(const CollectiveShape& shape);
RoundExchange tree_exchange(const CollectiveShape& shape, std::uint32_t rank, std::uint32_t round);

}  // namespace tandem
