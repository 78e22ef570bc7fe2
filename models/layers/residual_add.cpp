// residual_add: y = a + b; backward hands the gradient to both.

#include "models/layers/parts.hpp"

namespace tandem {

namespace {

TensorSpec output(const Attributes&, std::span<const TensorSpec> inputs) {
  want_float(inputs[0]);
  want_same(inputs[0], inputs[1]);
  return inputs[0];
}

Work work(const LayerContext& context, Pass pass) {
  const Bytes tensor = context.output.bytes(context.batch);
  switch (pass) {
    case Pass::forward:
      return {.elementwise = context.output.elements(context.batch), .read = tensor + tensor, .written = tensor};
    case Pass::input_gradient: return {.read = tensor, .written = tensor + tensor};
    case Pass::weight_gradient: return {};
  }
  return {};
}

}  // namespace

LayerKind residual_add_kind() {
  return {.name = "residual_add",
          .meaning = "y = a + b",
          .attributes = {},
          .inputs = 2,
          .output = output,
          .parameters = no_parameters,
          .kept = keeps_nothing,
          .work = work,
          .rules = elementwise_rules};
}

}  // namespace tandem
