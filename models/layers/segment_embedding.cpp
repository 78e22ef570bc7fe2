// segment_embedding: y = x + weight[segment of the position], as BERT's token types; segments are equal runs of rows.

#include <fmt/format.h>

#include "base/error.hpp"
#include "models/layers/parts.hpp"

namespace tandem {

namespace {

constexpr AttributeSpec kAttributes[] = {
    {.name = "segments",
     .fallback = {},
     .low = 1,
     .high = kLargestSize,
     .meaning = "the sequence is this many equal runs",
     .in_signature = true},
    {.name = "deviation", .fallback = 0.02, .low = 0, .high = 1e6, .meaning = "of the initial weights", .whole = false},
};

TensorSpec output(const Attributes&, std::span<const TensorSpec> inputs) {
  want_float(inputs[0], 2);
  if (inputs[0].dims.size() == 2) return inputs[0];
  throw InputError("input has too many dimensions", shape_text(inputs[0].dims), "[sequence, hidden]");
}

std::vector<ParameterSpec> parameters(const Attributes& attributes, std::span<const TensorSpec> inputs) {
  return {{.name = "weight",
           .dims = {attributes.integer("segments"), inputs[0].columns()},
           .initial = Initial::normal,
           .deviation = attributes.number("deviation")}};
}

Work work(const LayerContext& context, Pass pass) {
  const auto count = context.output.elements(context.batch);
  const Bytes tensor = context.output.bytes(context.batch);
  const Bytes weight = context.weights(context.attributes.integer("segments")) * context.output.columns();
  switch (pass) {
    case Pass::forward: return {.elementwise = count, .read = tensor + weight, .written = tensor};
    case Pass::input_gradient: return {.read = tensor, .written = tensor};
    case Pass::weight_gradient: return {.elementwise = count, .read = tensor + weight, .written = weight};
  }
  return {};
}

std::vector<LayoutRule> rules(const Attributes&, std::span<const TensorSpec> inputs, const TensorSpec&) {
  return position_rules(inputs[0], 1);
}

}  // namespace

LayerKind segment_embedding_kind() {
  return {.name = "segment_embedding",
          .meaning = "y = x + a learnt row per segment of the sequence",
          .attributes = kAttributes,
          .inputs = 1,
          .output = output,
          .parameters = parameters,
          .kept = keeps_nothing,
          .work = work,
          .rules = rules};
}

}  // namespace tandem
