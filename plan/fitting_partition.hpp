#pragma once
// The fastest partition that fits, judged by the bytes of the Program that it becomes, and not by a bound.

#include "plan/partition.hpp"

namespace tandem {

/// Where the bound of partition() proves that the fastest split of all fits, that split. Else splits are lowered: the
/// fastest one of those not known to lack memory, until one fits by script_peaks(), which count recomputation, offloading
/// and sharding as they are. A stage whose like was lowered counts with its bytes, a longer one with at least those, any
/// other as fitting. After kMostLowered splits, or where the stages of the fastest need more than all devices have
/// together, the one that lacks least of those and of partition()'s; `lacking` is exact. Ranks that run several stages,
/// and copies of stages, stay with partition(). Throws InputError as partition() does.
Partition fitting_partition(const Plan& plan, const Model& model, const std::vector<StageDevice>& stages,
                            const CostModel& costs);

inline constexpr int kMostLowered = 8;

}  // namespace tandem
