#pragma once
// The choice of layouts: for every layer and mesh axis the rule under which its work is divided.

#include <array>
#include <vector>

#include "models/model.hpp"
#include "plan/mesh.hpp"
#include "plan/plan.hpp"

namespace tandem {

using AxisRules = std::array<LayoutRule, kMeshAxes>;  ///< by MeshAxis; pipeline: unused

struct LayoutChoice {
  /// The model with those layers taken apart whose parts must talk to each other: a cross-entropy over a divided
  /// vocabulary, a batch normalisation over divided batches. Its parameters are the given model's, in its order.
  Model model;
  std::vector<AxisRules> rules;  ///< by LayerId of that model
};

/// On each axis a layer takes the first of its rules that the layouts of its inputs suit, so that a split, once begun,
/// goes on; lowering converts where no rule suits. The data axis splits the samples, the space axes the images, the
/// tensor axis what `plan.tensor_split`, `plan.sequence_parallel` and `plan.layouts` say.
/// Throws InputError where plan.layouts names an unknown layer or rule.
LayoutChoice choose_layouts(const Plan& plan, const Model& model);

/// The rules under which a layer may work on the tensor axis, "replicated" first: not those that divide samples or
/// images. Outputs are split in the blocks that readers want.
std::vector<LayoutRule> tensor_rules(const Model& model, LayerId id);
/// What the layer takes on the tensor axis, named by plan.layouts or not, where the layers before it have `rules`.
LayoutRule tensor_rule(const Plan& plan, const Model& model, LayerId id, std::vector<AxisRules>& rules);

/// Does every rank repeat this layer's work along the axis?
bool repeats_work(const LayoutRule& rule);
/// Is the gradient of this input a summand on each rank?
bool input_gradient_is_partial(const LayoutRule& rule, std::size_t input);
bool parameter_gradient_is_partial(const LayoutRule& rule, std::size_t parameter);

/// Layers, in order, whose result depends on how the batch or the images are divided.
std::vector<LayerId> approximate_layers(const LayoutChoice& choice, const Mesh& mesh);

/// "replicated", "split(1)", "split(1, 3 blocks)", "split(samples)", "partial".
std::string to_text(const AxisLayout& layout);

}  // namespace tandem
