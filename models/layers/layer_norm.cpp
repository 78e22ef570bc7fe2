// layer_norm: y = (x - mean) / sqrt(variance + epsilon) * weight + bias over the last dimension (1607.06450).

#include "models/layers/row_norm.hpp"

namespace tandem {

namespace {

constexpr AttributeSpec kAttributes[] = {
    {.name = "epsilon", .fallback = 1e-5, .low = 0, .high = 1, .meaning = "added to the variance", .whole = false},
};

// F: mean 1; variance 3; normalise 2; scale and shift 2.
// I, with g = dy weight: mean of g 2; mean of g (x - mean) 4; dx = rstd (g - its mean - slope (x - mean)) 6.
// W: normalise x again 2; dweight += dy x' 2; dbias += dy 1.
// Kept: mean and 1 / sqrt(variance + epsilon) of every row, side by side.
constexpr RowNorm kNorm{.forward = 8, .input_gradient = 12, .weight_gradient = 5, .parameters = 2, .statistics = 2};

std::vector<ParameterSpec> parameters(const Attributes&, std::span<const TensorSpec> inputs) {
  const auto columns = inputs[0].columns();
  return {{.name = "weight", .dims = {columns}, .initial = Initial::ones},
          {.name = "bias", .dims = {columns}, .initial = Initial::zeros}};
}

Kept kept(const Attributes&, std::span<const TensorSpec> inputs, const TensorSpec&) {
  return row_norm_kept(inputs, kNorm);
}

Work work(const LayerContext& context, Pass pass) { return row_norm_work(context, pass, kNorm); }

std::vector<LayoutRule> rules(const Attributes&, std::span<const TensorSpec> inputs, const TensorSpec&) {
  return position_rules(inputs[0], kNorm.parameters);
}

}  // namespace

LayerKind layer_norm_kind() {
  return {.name = "layer_norm",
          .meaning = "each row to mean 0 and variance 1, then weight and bias",
          .attributes = kAttributes,
          .inputs = 1,
          .output = row_norm_output,
          .parameters = parameters,
          .kept = kept,
          .work = work,
          .rules = rules};
}

}  // namespace tandem
