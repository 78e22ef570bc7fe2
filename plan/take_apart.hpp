#pragma once
// Layers whose divided parts must talk to each other before they can go on, taken apart into layers between which a
// conversion can stand; and convolutions, by the algorithm that the plan says.

#include <optional>
#include <vector>

#include "plan/layouts.hpp"

namespace tandem {

/// The model with each softmax_cross_entropy over divided logits as statistics and a loss from them, and each
/// batch_norm over divided images (or samples, where the plan synchronises them) as moments and their merge; and with
/// each convolution by the plan's algorithm. None: nothing changes. The layers keep their names; new ones add to them.
std::optional<Model> take_apart(const Plan& plan, const Model& model, const Mesh& mesh,
                                const std::vector<AxisRules>& rules);

/// The layer as it was written.
LayerDefinition definition_of(const Model& model, LayerId id);

}  // namespace tandem
