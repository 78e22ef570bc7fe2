#pragma once
// The contiguous partition of a model over pipeline ranks by exact dynamic programming.

#include <vector>

#include "hardware_profiles/cluster.hpp"
#include "hardware_profiles/cost.hpp"
#include "models/model.hpp"

namespace tandem {

struct Partition {
  std::vector<std::size_t> cuts;  ///< first layer of each stage but the first
  Seconds slowest;                ///< predicted time of F and B of the slowest stage, one micro-batch
};

/// Minimises the slowest stage (F + I + W of its layers on its own device; exact, O(L^2 p)); among those optima, the
/// bytes that cross the cuts. Throws InputError when the model has fewer places to cut than pp - 1.
Partition partition(const Model& model, const std::vector<const Device*>& devices, const CostModel& costs,
                    std::int64_t batch);

/// The bare problem: `time[rank][item]` of a chain, `crossing[cut]` tie-break (index 0 unused), `allowed[cut]`.
std::vector<std::size_t> split_chain(const std::vector<std::vector<double>>& time, const std::vector<double>& crossing,
                                     const std::vector<bool>& allowed);

}  // namespace tandem
