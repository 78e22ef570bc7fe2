// rms_norm: y = x / sqrt(mean(x^2) + epsilon) * weight over the last dimension (1910.07467).

#include "models/layers/row_norm.hpp"

namespace tandem {

namespace {

constexpr AttributeSpec kAttributes[] = {
    {.name = "epsilon", .fallback = 1e-5, .low = 0, .high = 1, .meaning = "added to the mean square", .whole = false},
};

// F: square and sum 2; normalise and scale 2.
// I, with g = dy weight: g 1; mean of g x 2; dx = rrms (g - slope x) 4.
// W: normalise x again 1; dweight += dy x' 2.
// Kept: 1 / sqrt(mean square + epsilon) of every row.
constexpr RowNorm kNorm{.forward = 4, .input_gradient = 7, .weight_gradient = 3, .parameters = 1, .statistics = 1};

std::vector<ParameterSpec> parameters(const Attributes&, std::span<const TensorSpec> inputs) {
  return {{.name = "weight", .dims = {inputs[0].columns()}, .initial = Initial::ones}};
}

Kept kept(const Attributes&, std::span<const TensorSpec> inputs, const TensorSpec&) {
  return row_norm_kept(inputs, kNorm);
}

Work work(const LayerContext& context, Pass pass) { return row_norm_work(context, pass, kNorm); }

std::vector<LayoutRule> rules(const Attributes&, std::span<const TensorSpec> inputs, const TensorSpec&) {
  return position_rules(inputs[0], kNorm.parameters);
}

}  // namespace

LayerKind rms_norm_kind() {
  return {.name = "rms_norm",
          .meaning = "each row to mean square 1, then weight",
          .attributes = kAttributes,
          .inputs = 1,
          .output = row_norm_output,
          .parameters = parameters,
          .kept = kept,
          .work = work,
          .rules = rules};
}

}  // namespace tandem
