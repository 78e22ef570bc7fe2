// tanh: y = tanh(x); backward reads the output: dx = dy (1 - y^2).

#include "models/layers/parts.hpp"

namespace tandem {

namespace {

Kept kept(const Attributes&, std::span<const TensorSpec>, const TensorSpec&) {
  return {.inputs = {false}, .output = true, .extra = {}};
}

Work work(const LayerContext& context, Pass pass) {
  return pointwise_work(context, pass, {.transcendentals = 1}, {.operations = 3});
}

}  // namespace

LayerKind tanh_kind() {
  return {.name = "tanh",
          .meaning = "y = tanh(x)",
          .attributes = {},
          .inputs = 1,
          .output = same_as_first,
          .parameters = no_parameters,
          .kept = kept,
          .work = work,
          .rules = elementwise_rules};
}

}  // namespace tandem
