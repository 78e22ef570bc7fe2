#pragma once
// Cuts for ranks that run several stages each: what counts is the time of a rank, not that of a stage.

#include <cstdint>
#include <vector>

#include "plan/partition.hpp"

namespace tandem {

/// The chain that is split, as split_chain() sees it, and who runs the stages.
struct RankedChain {
  const std::vector<std::vector<double>>& time;  ///< [stage][item]
  const std::vector<bool>& allowed;              ///< by cut
  const Lacking& lacking;                        ///< may be empty
  std::vector<std::vector<std::size_t>> stages;  ///< by rank
};

/// Moves one cut at a time to where together stages lack least memory, among those where the fullest rank has least to do,
/// among those where loads differ least (by their squares), from `cuts` and from cuts at equal shares of the time, until
/// no single move helps; the better of both. A local optimum: the exact problem is that of bin packing.
std::vector<std::size_t> balance_ranks(const RankedChain& chain, const std::vector<std::size_t>& cuts);

}  // namespace tandem
