// batch_norm_merge: batch_norm of x by the moments [parts, 3, channels] of all parts, merged (Chan, Golub, LeVeque 1983).

#include <fmt/format.h>

#include "base/error.hpp"
#include "models/layers/batch_norms.hpp"

namespace tandem {

namespace {

// F: normalise 2; scale and shift 2.
constexpr std::int64_t kForwardOperations = 4;
// I: sums of dy and of dy (x - mean) 4; dx = weight rstd dy 1.
constexpr std::int64_t kInputOperations = 5;
// W: sum of dy (x - mean) 3; sum of dy 1.
constexpr std::int64_t kWeightOperations = 4;

TensorSpec output(const Attributes&, std::span<const TensorSpec> inputs) {
  const auto &x = inputs[0], &moments = inputs[1];
  want_float(x, 1);
  want_float(moments);
  const bool fits = moments.dims.size() == 3 && moments.dims[1] == 3 && moments.dims[2] == x.dims[0] && !moments.per_sample;
  if (!fits) {
    throw InputError("the second input holds no moments of the first", shape_text(moments.dims),
                     fmt::format("parts x 3 x {} of a batch_moments", x.dims[0]));
  }
  return x;
}

Kept kept(const Attributes&, std::span<const TensorSpec> inputs, const TensorSpec&) {
  return {.inputs = {true, true}, .output = false, .extra = {channel_statistics(inputs[0])}};
}

Work work(const LayerContext& context, Pass pass) {
  const auto& x = context.inputs[0];
  const auto count = x.elements(context.batch), channels = x.dims[0];
  const Bytes tensor = x.bytes(context.batch), moments = context.inputs[1].bytes(context.batch);
  const Bytes statistics = context.bytes(channel_statistics(x)), weight = context.weights(channels);
  switch (pass) {
    case Pass::forward:
      return {.elementwise = kForwardOperations * count,
              .transcendentals = channels,
              .read = tensor + moments + weight + weight,
              .written = tensor + statistics};
    case Pass::input_gradient:
      return {.elementwise = kInputOperations * count,
              .read = tensor + tensor + moments + statistics + weight,
              .written = tensor + moments};
    case Pass::weight_gradient:
      return {.elementwise = kWeightOperations * count,
              .read = tensor + tensor + statistics + weight + weight,
              .written = weight + weight};
  }
  return {};
}

std::vector<LayoutRule> rules(const Attributes&, std::span<const TensorSpec> inputs, const TensorSpec&) {
  std::vector<LayoutRule> list;
  const auto in_parts = [&](std::string_view name, std::int8_t dimension) {
    list.push_back({.name = name,
                    .inputs = {split(dimension), kReplicated},
                    .output = split(dimension),
                    .parameters = {kReplicated, kReplicated}});
  };
  if (inputs[0].dims.size() > 1) in_parts("height", 1);
  if (inputs[0].dims.size() > 2) in_parts("width", 2);
  in_parts("samples", kSamples);
  return list;
}

}  // namespace

LayerKind batch_norm_merge_kind() {
  return {.name = "batch_norm_merge",
          .meaning = "batch_norm by the merged moments of all parts",
          .attributes = kNormAttributes,
          .inputs = 2,
          .output = output,
          .parameters = channel_scales,
          .kept = kept,
          .work = work,
          .rules = rules};
}

}  // namespace tandem
