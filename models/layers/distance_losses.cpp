// mean_squared_error and mean_absolute_error: the mean over all elements of (p - t)^2 and of |p - t|.

#include "models/layers/parts.hpp"

namespace tandem {

namespace {

TensorSpec output(const Attributes&, std::span<const TensorSpec> inputs) {
  want_float(inputs[0]);
  want_same(inputs[0], inputs[1]);
  return loss_value();
}

Work distance_work(const LayerContext& context, Pass pass, std::int64_t backward_operations) {
  constexpr std::int64_t kForwardOperations = 3;  // subtract; square or absolute value; sum
  const auto count = context.inputs[0].elements(context.batch);
  const Bytes tensor = context.inputs[0].bytes(context.batch);
  switch (pass) {
    case Pass::forward:
      return {.elementwise = kForwardOperations * count,
              .read = tensor + tensor,
              .written = context.output.bytes(context.batch)};
    case Pass::input_gradient:
      return {.elementwise = backward_operations * count, .read = tensor + tensor, .written = tensor};
    case Pass::weight_gradient: return {};
  }
  return {};
}

/// 2 (p - t) / count: subtract, scale.
Work squared_work(const LayerContext& context, Pass pass) { return distance_work(context, pass, 2); }

/// sign(p - t) / count: subtract, sign, scale.
Work absolute_work(const LayerContext& context, Pass pass) { return distance_work(context, pass, 3); }

}  // namespace

LayerKind mean_squared_error_kind() {
  return {.name = "mean_squared_error",
          .meaning = "loss: mean of (prediction - target)^2",
          .attributes = {},
          .inputs = 2,
          .is_loss = true,
          .output = output,
          .parameters = no_parameters,
          .kept = keeps_inputs,
          .work = squared_work};
}

LayerKind mean_absolute_error_kind() {
  return {.name = "mean_absolute_error",
          .meaning = "loss: mean of |prediction - target|",
          .attributes = {},
          .inputs = 2,
          .is_loss = true,
          .output = output,
          .parameters = no_parameters,
          .kept = keeps_inputs,
          .work = absolute_work};
}

}  // namespace tandem
