// layer_norm: y = (x - mean) / sqrt(variance + epsilon) * weight + bias over the last dimension (1607.06450).

#include "models/layers/parts.hpp"

namespace tandem {

namespace {

constexpr AttributeSpec kAttributes[] = {
    {.name = "epsilon", .fallback = 1e-5, .low = 0, .high = 1, .meaning = "added to the variance", .whole = false},
};

// F: mean 1; variance 3; normalise 2; scale and shift 2.
constexpr std::int64_t kForwardOperations = 8;
// I, with g = dy weight: mean of g 2; mean of g (x - mean) 4; dx = rstd (g - its mean - slope (x - mean)) 6.
constexpr std::int64_t kInputOperations = 12;
// W: normalise x again 2; dweight += dy x' 2; dbias += dy 1.
constexpr std::int64_t kWeightOperations = 5;

TensorSpec output(const Attributes&, std::span<const TensorSpec> inputs) {
  want_float(inputs[0], 1);
  return inputs[0];
}

std::vector<ParameterSpec> parameters(const Attributes&, std::span<const TensorSpec> inputs) {
  const auto columns = inputs[0].columns();
  return {{.name = "weight", .dims = {columns}, .initial = Initial::ones},
          {.name = "bias", .dims = {columns}, .initial = Initial::zeros}};
}

/// Mean and 1 / sqrt(variance + epsilon) of every row, side by side.
TensorSpec statistics(const TensorSpec& x) {
  TensorSpec spec = with_columns(x, 2);
  spec.statistic = true;
  return spec;
}

Kept kept(const Attributes&, std::span<const TensorSpec> inputs, const TensorSpec&) {
  return {.inputs = {true}, .output = false, .extra = {statistics(inputs[0])}};
}

Work work(const LayerContext& context, Pass pass) {
  const auto& x = context.inputs[0];
  const auto count = x.elements(context.batch);
  const Bytes tensor = x.bytes(context.batch), rows = context.bytes(statistics(x));
  const Bytes weight = context.weights(x.columns());
  switch (pass) {
    case Pass::forward:
      return {.elementwise = kForwardOperations * count,
              .transcendentals = x.rows(context.batch),
              .read = tensor + weight + weight,
              .written = tensor + rows};
    case Pass::input_gradient:
      return {.elementwise = kInputOperations * count, .read = tensor + tensor + rows + weight, .written = tensor};
    case Pass::weight_gradient:
      return {.elementwise = kWeightOperations * count,
              .read = tensor + tensor + rows + weight + weight,
              .written = weight + weight};
  }
  return {};
}

std::vector<LayoutRule> rules(const Attributes&, std::span<const TensorSpec> inputs, const TensorSpec&) {
  return position_rules(inputs[0], 2);
}

}  // namespace

LayerKind layer_norm_kind() {
  return {.name = "layer_norm",
          .meaning = "each row to mean 0 and variance 1, then weight and bias",
          .attributes = kAttributes,
          .inputs = 1,
          .output = output,
          .parameters = parameters,
          .kept = kept,
          .work = work,
          .rules = rules};
}

}  // namespace tandem
