// conv2d: a 2-d convolution (cross-correlation), weight [channels, channels of x / groups, kernel height, kernel width].

#include <cmath>

#include <fmt/format.h>

#include "base/error.hpp"
#include "models/layers/convolution.hpp"

namespace tandem {

namespace {

constexpr auto kAttributes = joined(
    joined(std::to_array<AttributeSpec>({{"channels", {}, 1, kLargestSize, "channels of the output"}}), kWindowAttributes),
    std::to_array<AttributeSpec>({
        {"groups", 1, 1, kLargestSize, "parts of the channels that do not mix", true, true},
        {"bias", 1, 0, 1, "1: adds a bias", true, true},
        {"deviation", 0, 0, 1e6, "of the initial weights; 0: sqrt(2 / values under a window) (He et al. 2015)", false},
    }));

bool has_bias(const Attributes& attributes) { return attributes.integer("bias") == 1; }

void want_groups(std::int64_t groups, std::string_view whose, std::int64_t channels) {
  if (channels % groups == 0) return;
  throw InputError(fmt::format("groups do not divide the channels of the {}", whose), fmt::format("{}", groups),
                   fmt::format("a divisor of {}", channels));
}

TensorSpec output(const Attributes& attributes, std::span<const TensorSpec> inputs) {
  want_image(inputs[0]);
  const auto groups = attributes.integer("groups"), channels = attributes.integer("channels");
  want_groups(groups, "input", inputs[0].dims[0]);
  want_groups(groups, "output", channels);
  return image_under_windows(Windows(attributes), inputs[0], channels);
}

std::vector<ParameterSpec> parameters(const Attributes& attributes, std::span<const TensorSpec> inputs) {
  const Windows windows(attributes);
  const auto channels = attributes.integer("channels"), in = inputs[0].dims[0] / attributes.integer("groups");
  const double given = attributes.number("deviation");
  std::vector<ParameterSpec> specs{
      {.name = "weight",
       .dims = {channels, in, windows.height.kernel, windows.width.kernel},
       .initial = Initial::normal,
       .deviation = given > 0 ? given : std::sqrt(2 / static_cast<double>(in * windows.taps()))}};
  if (has_bias(attributes)) specs.push_back({.name = "bias", .dims = {channels}, .initial = Initial::zeros});
  return specs;
}

Work work(const LayerContext& context, Pass pass) {
  const Convolution sizes(context);
  const auto positions = sizes.positions(), depth = sizes.depth(), count = sizes.samples * sizes.groups;
  const bool bias = has_bias(context.attributes);
  const Bytes input = context.inputs[0].bytes(context.batch), result = context.output.bytes(context.batch);
  const Bytes weight = context.weights(sizes.groups * sizes.out) * depth;
  const Bytes all_parameters = bias ? weight + context.weights(sizes.groups * sizes.out) : weight;
  const auto bias_sums = bias ? context.output.elements(context.batch) : 0;
  switch (pass) {
    case Pass::forward:
      return {.products = {{sizes.out, positions, depth, count}},
              .elementwise = bias_sums,
              .read = input + all_parameters,
              .written = result};
    case Pass::input_gradient:
      return {.products = {{depth, positions, sizes.out, count}}, .read = result + weight, .written = input};
    case Pass::weight_gradient:
      return {.products = {{sizes.out, depth, positions, count}},
              .elementwise = bias_sums,
              .read = input + result + all_parameters,
              .written = all_parameters};
  }
  return {};
}

Bytes scratch(const LayerContext& context, Pass pass) {
  const Convolution sizes(context);
  if (sizes.slides(pass)) return float_bytes(sizes.slid_image_size(pass) + sizes.slid_weight_size(pass));
  return float_bytes(sizes.images_size() + sizes.columns_size() + sizes.staged_size());
}

/// `weight` and, where there is one, the bias.
std::vector<AxisLayout> of_parameters(const Attributes& attributes, AxisLayout weight, AxisLayout bias) {
  return has_bias(attributes) ? std::vector{weight, bias} : std::vector{weight};
}

std::vector<LayoutRule> rules(const Attributes& attributes, std::span<const TensorSpec>, const TensorSpec&) {
  const auto whole = of_parameters(attributes, kReplicated, kReplicated);
  std::vector<LayoutRule> list{
      {.name = "height", .inputs = {split(1)}, .output = split(1), .parameters = whole, .window = kHeightWindow},
      {.name = "width", .inputs = {split(2)}, .output = split(2), .parameters = whole, .window = kWidthWindow}};
  if (attributes.integer("groups") > 1) return list;
  list.push_back({.name = "filters",
                  .inputs = {kReplicated},
                  .output = split(0),
                  .parameters = of_parameters(attributes, split(0), split(0)),
                  .local_sizes = {"channels"}});
  list.push_back({.name = "channels",
                  .inputs = {split(0)},
                  .output = kPartial,
                  .parameters = of_parameters(attributes, split(1), kReplicated)});
  return list;
}

}  // namespace

LayerKind conv2d_kind() {
  return {.name = "conv2d",
          .meaning = "a 2-d convolution with stride, padding, dilation and groups",
          .attributes = kAttributes,
          .inputs = 1,
          .output = output,
          .parameters = parameters,
          .kept = keeps_inputs,
          .work = work,
          .scratch = scratch,
          .rules = rules};
}

}  // namespace tandem
