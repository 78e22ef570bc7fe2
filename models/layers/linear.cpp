// linear: y = x W^T + b over the last dimension, with W [features, columns of x].

#include "models/layers/parts.hpp"

namespace tandem {

namespace {

constexpr AttributeSpec kAttributes[] = {
    {"features", {}, 1, kLargestSize, "columns of the output"},
    {.name = "bias", .fallback = 1, .low = 0, .high = 1, .meaning = "1: adds a bias", .in_signature = true},
    {.name = "deviation", .fallback = 0.02, .low = 0, .high = 1e6, .meaning = "of the initial weights", .whole = false},
};

TensorSpec output(const Attributes& attributes, std::span<const TensorSpec> inputs) {
  want_float(inputs[0], 1);
  return with_columns(inputs[0], attributes.integer("features"));
}

std::vector<ParameterSpec> parameters(const Attributes& attributes, std::span<const TensorSpec> inputs) {
  const auto features = attributes.integer("features");
  std::vector<ParameterSpec> specs{{.name = "weight",
                                    .dims = {features, inputs[0].columns()},
                                    .initial = Initial::normal,
                                    .deviation = attributes.number("deviation")}};
  if (attributes.integer("bias") == 1) specs.push_back({.name = "bias", .dims = {features}, .initial = Initial::zeros});
  return specs;
}

/// I reads the weight alone.
Kept kept(const Attributes&, std::span<const TensorSpec>, const TensorSpec&) {
  return {.inputs = {true}, .for_weights = true};
}

Work work(const LayerContext& context, Pass pass) {
  const auto& x = context.inputs[0];
  const auto& y = context.output;
  const auto rows = y.rows(context.batch), out = y.columns(), in = x.columns();
  const bool bias = context.attributes.integer("bias") == 1;
  const Bytes input = x.bytes(context.batch), result = y.bytes(context.batch), weight = context.weights(out) * in;
  const Bytes all_parameters = bias ? weight + context.weights(out) : weight;
  const auto bias_sums = bias ? y.elements(context.batch) : 0;
  switch (pass) {
    case Pass::forward:
      return {.products = {{rows, out, in, 1}}, .elementwise = bias_sums, .read = input + all_parameters, .written = result};
    case Pass::input_gradient: return {.products = {{rows, in, out, 1}}, .read = result + weight, .written = input};
    case Pass::weight_gradient:
      return {.products = {{out, in, rows, 1}},
              .elementwise = bias_sums,
              .read = input + result + all_parameters,
              .written = all_parameters};
  }
  return {};
}

/// Every rank holds the bias, but only the one with the first columns adds it, so that the sum has it once.
LayoutRule rows_rule(const TensorSpec& input, bool has_bias) {
  LayoutRule rule{.name = "rows", .inputs = {split_columns(input)}, .output = kPartial, .parameters = {split(1)}};
  if (has_bias) rule.parameters.push_back(kReplicated);
  return rule;
}

std::vector<LayoutRule> rules(const Attributes& attributes, std::span<const TensorSpec> inputs,
                              const TensorSpec& output) {
  const bool has_bias = attributes.integer("bias") == 1;
  const std::size_t count = has_bias ? 2 : 1;
  std::vector<LayoutRule> rules{{.name = "columns",
                                 .inputs = {kReplicated},
                                 .output = split_columns(output),
                                 .parameters = std::vector(count, split(0)),
                                 .local_sizes = {"features"}},
                                rows_rule(inputs[0], has_bias)};
  for (auto& rule : position_rules(inputs[0], count)) rules.push_back(std::move(rule));
  return rules;
}

}  // namespace

LayerKind linear_kind() {
  return {.name = "linear",
          .meaning = "y = x W^T + b",
          .attributes = kAttributes,
          .inputs = 1,
          .output = output,
          .parameters = parameters,
          .kept = kept,
          .work = work,
          .rules = rules};
}

}  // namespace tandem
