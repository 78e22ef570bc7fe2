// rms_norm: y = x / sqrt(mean(x^2) + epsilon) * weight over the last dimension (1910.07467).

#include "models/layers/parts.hpp"

namespace tandem {

namespace {

constexpr AttributeSpec kAttributes[] = {
    {.name = "epsilon", .fallback = 1e-5, .low = 0, .high = 1, .meaning = "added to the mean square", .whole = false},
};

// F: square and sum 2; normalise and scale 2.
constexpr std::int64_t kForwardOperations = 4;
// I, with g = dy weight: g 1; mean of g x 2; dx = rrms (g - slope x) 4.
constexpr std::int64_t kInputOperations = 7;
// W: normalise x again 1; dweight += dy x' 2.
constexpr std::int64_t kWeightOperations = 3;

TensorSpec output(const Attributes&, std::span<const TensorSpec> inputs) {
  want_float(inputs[0], 1);
  return inputs[0];
}

std::vector<ParameterSpec> parameters(const Attributes&, std::span<const TensorSpec> inputs) {
  return {{.name = "weight", .dims = {inputs[0].columns()}, .initial = Initial::ones}};
}

/// 1 / sqrt(mean square + epsilon) of every row.
TensorSpec statistics(const TensorSpec& x) {
  TensorSpec spec = with_columns(x, 1);
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
              .read = tensor + weight,
              .written = tensor + rows};
    case Pass::input_gradient:
      return {.elementwise = kInputOperations * count, .read = tensor + tensor + rows + weight, .written = tensor};
    case Pass::weight_gradient:
      return {.elementwise = kWeightOperations * count, .read = tensor + tensor + rows + weight, .written = weight};
  }
  return {};
}

std::vector<LayoutRule> rules(const Attributes&, std::span<const TensorSpec> inputs, const TensorSpec&) {
  return position_rules(inputs[0], 1);
}

}  // namespace

LayerKind rms_norm_kind() {
  return {.name = "rms_norm",
          .meaning = "each row to mean square 1, then weight",
          .attributes = kAttributes,
          .inputs = 1,
          .output = output,
          .parameters = parameters,
          .kept = kept,
          .work = work,
          .rules = rules};
}

}  // namespace tandem
