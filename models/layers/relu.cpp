// relu: y = max(x, 0); backward reads the output, whose sign is the mask.

#include <numbers>

#include "models/layers/parts.hpp"

namespace tandem {

namespace {

Kept kept(const Attributes&, std::span<const TensorSpec>, const TensorSpec&) {
  return {.inputs = {false}, .output = true, .extra = {}};
}

Work work(const LayerContext& context, Pass pass) {
  const auto count = context.output.elements(context.batch);
  const Bytes tensor = context.output.bytes(context.batch);
  switch (pass) {
    case Pass::forward: return {.elementwise = count, .read = tensor, .written = tensor};
    case Pass::input_gradient: return {.elementwise = count, .read = tensor + tensor, .written = tensor};
    case Pass::weight_gradient: return {};
  }
  return {};
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
