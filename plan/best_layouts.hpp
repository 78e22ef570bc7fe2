#pragma once
// The cheapest layouts on the tensor axis: dynamic programming along the graph, over how the tensors between lie.

#include "plan/layout_cost.hpp"

namespace tandem {

struct BestLayouts {
  Plan plan;      ///< the given one, with `layouts` naming the rules that its split would not choose by itself
  Seconds cost;   ///< of it, by LayoutCost::of() of the first rank
  bool is_exact;  ///< the search kept all states and images are not divided: no choice is cheaper
};

inline constexpr std::size_t kLayoutStates = 4096;

/// Each layer takes "replicated" or a rule of its kind that divides evenly; those that plan.layouts names keep theirs.
/// The layers are passed in topological order; a state is how the tensors still to be read lie, which conversions of
/// them exist already, and how tied parameters lie, so a residual's two ends agree by themselves, and the search is
/// exact; a loss over a vocabulary takes its scores whole, by positions or in columns. Where more than `most_states` states
/// stand side by side only the cheapest are kept. The ranks of other axes are left out of the search's shapes, not of the
/// result's cost. Time alone decides: a choice that repeats weights may need more memory than Megatron's. The answer is
/// never dearer than Megatron's split, with or without sequence parallelism, the naive one or that of Ulysses. Throws
/// InputError where none of them can be divided among the ranks.
BestLayouts best_layouts(const Plan& plan, const Model& model, const TensorGroup& group, const CostModel& costs,
                         std::size_t most_states = kLayoutStates);

}  // namespace tandem
