// relu: y = max(x, 0); backward reads the output, whose sign is the mask.

#include <numbers>

#include "models/layers/parts.hpp"

namespace tandem {

namespace {

Kept kept(const Attributes&, std::span<const TensorSpec>, const TensorSpec&) {
  return {.inputs = {false}, .output = true, .extra = {}};
}

Work work(const LayerContext& context, Pass pass) {
  return pointwise_work(context, pass, {.operations = 1}, {.operations = 1});
}

}  // namespace

LayerKind relu_kind() {
  return {.name = "relu",
          .meaning = "y = max(x, 0)",
          .attributes = {},
          .inputs = 1,
          .kink = 2 / std::numbers::pi,
          .output = same_as_first,
          .parameters = no_parameters,
          .kept = kept,
          .work = work,
          .rules = elementwise_rules};
}

}  // namespace tandem
