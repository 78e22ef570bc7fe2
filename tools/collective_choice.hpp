#pragma once
// Which algorithm a collective takes: the plan's, or the one predicted to be fastest on this cluster.

#include "hardware_profiles/cluster.hpp"
#include "plan/lower.hpp"

namespace tandem {

/// Where the plan says `auto`: the cheapest without contention, by the slowest route among the members of a node and
/// that between nodes. Keeps references to both.
CollectiveChooser collective_chooser(const Plan& plan, const Cluster& cluster);

}  // namespace tandem
