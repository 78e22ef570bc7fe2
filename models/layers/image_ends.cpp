// Where an image becomes a row of features: global_average_pool and flatten.

#include "models/layers/windows.hpp"

namespace tandem {

namespace {

TensorSpec one_per_channel(const Attributes&, std::span<const TensorSpec> inputs) {
  want_image(inputs[0]);
  return float_tensor({inputs[0].dims[0]});
}

TensorSpec one_row(const Attributes&, std::span<const TensorSpec> inputs) {
  want_image(inputs[0]);
  return float_tensor({inputs[0].elements_per_sample()});
}

Work work_of_mean(const LayerContext& context, Pass pass) {
  const auto count = context.inputs[0].elements(context.batch), means = context.output.elements(context.batch);
  const Bytes input = context.inputs[0].bytes(context.batch), result = context.output.bytes(context.batch);
  switch (pass) {
    case Pass::forward: return {.elementwise = count + means, .read = input, .written = result};
    case Pass::input_gradient: return {.elementwise = means, .read = result, .written = input};
    case Pass::weight_gradient: return {};
  }
  return {};
}

Work work_of_copy(const LayerContext& context, Pass pass) {
  const Bytes tensor = context.output.bytes(context.batch);
  if (pass == Pass::weight_gradient) return {};
  return {.read = tensor, .written = tensor};
}

std::vector<LayoutRule> rules(const Attributes&, std::span<const TensorSpec>, const TensorSpec&) {
  return {{.name = "channels", .inputs = {split(0)}, .output = split(0), .parameters = {}}};
}

}  // namespace

LayerKind global_average_pool_kind() {
  return {.name = "global_average_pool",
          .meaning = "the mean of each channel",
          .attributes = {},
          .inputs = 1,
          .output = one_per_channel,
          .parameters = no_parameters,
          .kept = keeps_nothing,
          .work = work_of_mean,
          .rules = rules};
}

LayerKind flatten_kind() {
  return {.name = "flatten",
          .meaning = "an image as one row of values",
          .attributes = {},
          .inputs = 1,
          .output = one_row,
          .parameters = no_parameters,
          .kept = keeps_nothing,
          .work = work_of_copy,
          .rules = rules};
}

}  // namespace tandem
