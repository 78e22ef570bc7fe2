// batch_norm, training mode: y = (x - mean) / sqrt(variance + epsilon) * weight + bias, with mean and variance of each
// channel over the samples of the micro-batch and all positions (1502.03167).

#include "models/layers/batch_norms.hpp"

namespace tandem {

namespace {

// F: mean 1; variance 3; normalise 2; scale and shift 2.
constexpr std::int64_t kForwardOperations = 8;
// I, by channel: sum of dy 1; sum of dy (x - mean) 3; dx = weight rstd (dy - mean of dy - slope (x - mean)) 5.
constexpr std::int64_t kInputOperations = 9;
// W: sum of dy (x - mean) 3; sum of dy 1.
constexpr std::int64_t kWeightOperations = 4;

TensorSpec output(const Attributes&, std::span<const TensorSpec> inputs) {
  want_float(inputs[0], 1);
  return inputs[0];
}

Kept kept(const Attributes&, std::span<const TensorSpec> inputs, const TensorSpec&) {
  return {.inputs = {true}, .output = false, .extra = {channel_statistics(inputs[0])}};
}

Work work(const LayerContext& context, Pass pass) {
  const auto& x = context.inputs[0];
  const auto count = x.elements(context.batch), channels = x.dims[0];
  const Bytes tensor = x.bytes(context.batch), statistics = context.bytes(channel_statistics(x));
  const Bytes weight = context.weights(channels);
  switch (pass) {
    case Pass::forward:
      return {.elementwise = kForwardOperations * count,
              .transcendentals = channels,
              .read = tensor + weight + weight,
              .written = tensor + statistics};
    case Pass::input_gradient:
      return {.elementwise = kInputOperations * count, .read = tensor + tensor + statistics + weight, .written = tensor};
    case Pass::weight_gradient:
      return {.elementwise = kWeightOperations * count,
              .read = tensor + tensor + statistics + weight + weight,
              .written = weight + weight};
  }
  return {};
}

std::vector<LayoutRule> rules(const Attributes&, std::span<const TensorSpec> inputs, const TensorSpec&) {
  std::vector<LayoutRule> list{
      {.name = "channels", .inputs = {split(0)}, .output = split(0), .parameters = {split(0), split(0)}}};
  const auto in_parts = [&](std::string_view name, std::int8_t dimension) {
    list.push_back({.name = name,
                    .inputs = {split(dimension)},
                    .output = split(dimension),
                    .parameters = {kReplicated, kReplicated},
                    .approximate = true});
  };
  if (inputs[0].dims.size() > 1) in_parts("height", 1);
  if (inputs[0].dims.size() > 2) in_parts("width", 2);
  return list;
}

}  // namespace

std::vector<ParameterSpec> channel_scales(const Attributes&, std::span<const TensorSpec> inputs) {
  const auto channels = inputs[0].dims[0];
  return {{.name = "weight", .dims = {channels}, .initial = Initial::ones},
          {.name = "bias", .dims = {channels}, .initial = Initial::zeros}};
}

TensorSpec channel_statistics(const TensorSpec& x) { return {.dims = {x.dims[0], 2}, .per_sample = false, .statistic = true}; }

LayerKind batch_norm_kind() {
  return {.name = "batch_norm",
          .meaning = "each channel of the micro-batch to mean 0 and variance 1, then weight and bias",
          .attributes = kNormAttributes,
          .inputs = 1,
          .mixes_samples = true,
          .output = output,
          .parameters = channel_scales,
          .kept = kept,
          .work = work,
          .rules = rules};
}

}  // namespace tandem
