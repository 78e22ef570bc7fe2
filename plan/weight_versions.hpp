#pragma once
// Which version of its weights a stage uses for each micro-batch, and when versions are made.

#include <cstdint>
#include <vector>

#include "plan/schedule.hpp"

namespace tandem {

/// Version v of a stage's weights is there after v updates in this iteration. All stages have as many updates.
struct WeightVersions {
  std::uint32_t round = 1;   ///< micro-batches of one update
  std::uint32_t rounds = 1;  ///< updates of an iteration
  std::vector<std::vector<std::uint32_t>> used;  ///< by stage and micro-batch; F, B, I and W of one use the same

  /// Updates that the stage's weights lack when the gradient of the micro-batch is added to them.
  std::uint32_t staleness(std::uint32_t stage, std::uint32_t micro_batch) const {
    return micro_batch / round - used[stage][micro_batch];
  }
};

/// Synchronous schedules: one round, version 0. An update after each micro-batch: the newest version when F starts
/// (PipeDream, 1806.03377: stage s of p has seen p - 1 - s updates fewer), or with vertical sync the version that the
/// first stage used. Double-buffered: micro-batches of group g use version g - 1 (2006.09503). Throws InputError where
/// the micro-batches are no whole groups, and for orders in which a rank runs several stages or a stage lives on several.
WeightVersions weight_versions(const Grid& grid, const Schedule& schedule, std::uint32_t micro_batches);

}  // namespace tandem
