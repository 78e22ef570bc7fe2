#pragma once
// What a network can carry at most from some vertices to others, by a method that knows nothing of its topology.

#include <vector>

#include "hardware_profiles/topology.hpp"

namespace tandem {

/// From the lower half of the ends to the upper half, over all cables at once, each way `capacities[kind]`. No buses.
double most_from_lower_to_upper_half(const Topology& topology, const Shape& shape, const std::vector<int>& capacities);

}  // namespace tandem
