#pragma once
// The contiguous partition of a model over pipeline ranks by exact dynamic programming.

#include <functional>
#include <vector>

#include "hardware_profiles/cluster.hpp"
#include "hardware_profiles/cost.hpp"
#include "models/model.hpp"
#include "plan/plan.hpp"

namespace tandem {

struct Partition {
  std::vector<std::size_t> cuts;  ///< first layer of each stage but the first
  Seconds slowest;                ///< predicted time of F and B of the slowest stage, one micro-batch
  Bytes lacking{};                ///< what the stages may need beyond their memory, together; 0: all are sure to fit
};

/// Where a stage's workers live: devices of one kind, and how much of one each worker may use.
struct StageDevice {
  const Device* device = nullptr;
  Bytes memory{};
};

/// For the plan's mesh: the local layers of a stage's first rank, with their conversions but without the time of
/// collectives; memory by StageMemory, an upper bound. Of all splits the one whose stages together lack least memory
/// (none, where that can be), among those the one whose slowest stage (F + I + W on its own device) is fastest, among
/// those the one over whose cuts fewest bytes travel; exact, O(L^2 p). What lacks memory by this bound may fit yet:
/// script_peaks() knows. Where ranks run several stages, cuts are then moved until the fullest rank has least to do
/// (balance_ranks()). Throws InputError when the model has fewer places to cut than it needs, or does not divide (shard()).
Partition partition(const Plan& plan, const Model& model, const std::vector<StageDevice>& stages,
                    const CostModel& costs);

/// Bytes that items [from, to) on `rank` need beyond what it has; 0: they fit.
using Lacking = std::function<double(std::size_t rank, std::size_t from, std::size_t to)>;

/// The same by another judgement of what a stage lacks.
Partition partition(const Plan& plan, const Model& model, const std::vector<StageDevice>& stages,
                    const CostModel& costs, const Lacking& lacking);

/// The same of an undivided model, with all the memory in the world.
Partition partition(const Model& model, const std::vector<const Device*>& devices, const CostModel& costs,
                    std::int64_t batch);

/// The bare problem: `time[rank][item]` of a chain, `crossing[cut]` tie-break (index 0 unused), `allowed[cut]`; without
/// `lacking` everything fits.
std::vector<std::size_t> split_chain(const std::vector<std::vector<double>>& time, const std::vector<double>& crossing,
                                     const std::vector<bool>& allowed, const Lacking& lacking = {});

}  // namespace tandem
