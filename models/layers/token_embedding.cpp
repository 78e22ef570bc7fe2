// token_embedding: one row of the weight for each token; backward adds the gradient's rows to those of the weight.

#include "base/error.hpp"
#include "models/layers/parts.hpp"

namespace tandem {

namespace {

constexpr AttributeSpec kAttributes[] = {
    {.name = "vocabulary",
     .fallback = {},
     .low = 2,
     .high = kLargestSize,
     .meaning = "rows of the table",
     .in_signature = true},
    {"hidden", {}, 1, kLargestSize, "columns of the table"},
    {.name = "deviation", .fallback = 0.02, .low = 0, .high = 1e6, .meaning = "of the initial weights", .whole = false},
};

TensorSpec output(const Attributes& attributes, std::span<const TensorSpec> inputs) {
  if (inputs[0].type != ElementType::int32) throw InputError("input has the wrong element type", "float32", "int32");
  TensorSpec result = float_tensor(inputs[0].dims);
  result.dims.push_back(attributes.integer("hidden"));
  return result;
}

std::vector<ParameterSpec> parameters(const Attributes& attributes, std::span<const TensorSpec>) {
  return {{.name = "weight",
           .dims = {attributes.integer("vocabulary"), attributes.integer("hidden")},
           .initial = Initial::normal,
           .deviation = attributes.number("deviation")}};
}

Work work(const LayerContext& context, Pass pass) {
  const Bytes tokens = context.inputs[0].bytes(context.batch), rows = context.output.bytes(context.batch);
  switch (pass) {
    case Pass::forward: return {.read = tokens + rows, .written = rows};
    case Pass::input_gradient: return {};
    case Pass::weight_gradient:
      return {.elementwise = context.output.elements(context.batch), .read = tokens + rows + rows, .written = rows};
  }
  return {};
}

std::vector<LayoutRule> rules(const Attributes&, std::span<const TensorSpec>, const TensorSpec&) {
  return {{.name = "vocabulary",
           .inputs = {kReplicated},
           .output = kPartial,
           .parameters = {split(0)},
           .local_sizes = {"vocabulary"}},
          {.name = "positions", .inputs = {split(0)}, .output = split(0), .parameters = {kReplicated}}};
}

}  // namespace

LayerKind token_embedding_kind() {
  return {.name = "token_embedding",
          .meaning = "a row of the weight for each token",
          .attributes = kAttributes,
          .inputs = 1,
          .output = output,
          .parameters = parameters,
          .kept = keeps_inputs,
          .work = work,
          .rules = rules};
}

}  // namespace tandem
