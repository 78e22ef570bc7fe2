// position_embedding: y = x + weight, one learnt row per position, the same for every sample.

#include "models/layers/parts.hpp"

namespace tandem {

namespace {

constexpr AttributeSpec kAttributes[] = {
    {.name = "deviation", .fallback = 0.02, .low = 0, .high = 1e6, .meaning = "of the initial weights", .whole = false},
};

TensorSpec output(const Attributes&, std::span<const TensorSpec> inputs) {
  want_float(inputs[0], 2);
  return inputs[0];
}

std::vector<ParameterSpec> parameters(const Attributes& attributes, std::span<const TensorSpec> inputs) {
  return {{.name = "weight",
           .dims = inputs[0].dims,
           .initial = Initial::normal,
           .deviation = attributes.number("deviation")}};
}

Work work(const LayerContext& context, Pass pass) {
  const auto count = context.output.elements(context.batch);
  const Bytes tensor = context.output.bytes(context.batch);
  const Bytes weight = context.weights(context.output.elements_per_sample());
  switch (pass) {
    case Pass::forward: return {.elementwise = count, .read = tensor + weight, .written = tensor};
    case Pass::input_gradient: return {.read = tensor, .written = tensor};
    case Pass::weight_gradient: return {.elementwise = count, .read = tensor + weight, .written = weight};
  }
  return {};
}

std::vector<LayoutRule> rules(const Attributes&, std::span<const TensorSpec>, const TensorSpec&) {
  return {{.name = "positions", .inputs = {split(0)}, .output = split(0), .parameters = {split(0)}}};
}

}  // namespace

LayerKind position_embedding_kind() {
  return {.name = "position_embedding",
          .meaning = "y = x + a learnt row per position",
          .attributes = kAttributes,
          .inputs = 1,
          .output = output,
          .parameters = parameters,
          .kept = keeps_nothing,
          .work = work,
          .rules = rules};
}

}  // namespace tandem
