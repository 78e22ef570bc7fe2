// The sources of data: tokens and values for the first layers, and the same as targets for the loss.

#include "models/layers/parts.hpp"

namespace tandem {

namespace {

constexpr AttributeSpec kTokens[] = {
    {"sequence", {}, 1, kLargestSize, "tokens per sample"},
    {"vocabulary", {}, 2, kLargestSize, "number of different tokens"},
};
constexpr AttributeSpec kTargetTokens[] = {
    {"sequence", {}, 1, kLargestSize, "tokens per sample"},
};
constexpr AttributeSpec kValues[] = {
    {"features", {}, 1, kLargestSize, "real values per sample"},
};

TensorSpec token_output(const Attributes& attributes, std::span<const TensorSpec>) {
  return {.dims = {attributes.integer("sequence")}, .type = ElementType::int32};
}

TensorSpec value_output(const Attributes& attributes, std::span<const TensorSpec>) {
  return float_tensor({attributes.integer("features")});
}

std::vector<LayoutRule> token_rules(const Attributes&, std::span<const TensorSpec>, const TensorSpec&) {
  return {{.name = "positions", .inputs = {}, .output = split(0), .parameters = {}, .local_sizes = {"sequence"}}};
}

}  // namespace

LayerKind tokens_kind() {
  return {.name = "tokens",
          .meaning = "source of token numbers [sequence]",
          .attributes = kTokens,
          .inputs = 0,
          .output = token_output,
          .parameters = no_parameters,
          .kept = keeps_nothing,
          .work = source_work,
          .rules = token_rules};
}

LayerKind target_tokens_kind() {
  return {.name = "target_tokens",
          .meaning = "source of the tokens that the loss wants [sequence]",
          .attributes = kTargetTokens,
          .inputs = 0,
          .is_target = true,
          .output = token_output,
          .parameters = no_parameters,
          .kept = keeps_nothing,
          .work = source_work,
          .rules = token_rules};
}

LayerKind values_kind() {
  return {.name = "values",
          .meaning = "source of real values [features]",
          .attributes = kValues,
          .inputs = 0,
          .output = value_output,
          .parameters = no_parameters,
          .kept = keeps_nothing,
          .work = source_work};
}

LayerKind target_values_kind() {
  return {.name = "target_values",
          .meaning = "source of the real values that the loss wants [features]",
          .attributes = kValues,
          .inputs = 0,
          .is_target = true,
          .output = value_output,
          .parameters = no_parameters,
          .kept = keeps_nothing,
          .work = source_work};
}

}  // namespace tandem
