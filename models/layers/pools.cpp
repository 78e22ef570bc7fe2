// max_pool2d and average_pool2d: one value for each window of each channel.

#include <algorithm>

#include <fmt/format.h>

#include "base/error.hpp"
#include "models/layers/windows.hpp"

namespace tandem {

namespace {

constexpr auto kMaximum = kWindowAttributes;
constexpr auto kAverage = joined(
    kWindowAttributes, std::to_array<AttributeSpec>({{"count_include_pad", 1, 0, 1,
                                                      "1: divides by the window's size, 0: by the values it sees", true,
                                                      true}}));

/// As elsewhere (PyTorch): at most half a window may lie in the padding, so that each window sees a value.
void want_values(const Window& window, std::int64_t size, std::int64_t positions) {
  const auto half = window.reach() / 2, padding = std::max(window.before, window.after);
  if (padding > half) {
    throw InputError("the padding exceeds half the window", fmt::format("{}", padding), fmt::format("at most {}", half));
  }
  std::vector<bool> sees(static_cast<std::size_t>(positions), false);
  for (std::int64_t tap = 0; tap < window.kernel; ++tap) {
    const auto [first, last] = window.positions_inside(tap, size, positions);
    std::fill(sees.begin() + first, sees.begin() + last, true);
  }
  if (std::ranges::find(sees, false) != sees.end()) throw InputError("a window sees nothing but padding");
}

TensorSpec output(const Attributes& attributes, std::span<const TensorSpec> inputs) {
  want_image(inputs[0]);
  const Windows windows(attributes);
  auto result = image_under_windows(windows, inputs[0], inputs[0].dims[0]);
  want_values(windows.height, inputs[0].dims[1], result.dims[1]);
  want_values(windows.width, inputs[0].dims[2], result.dims[2]);
  return result;
}

/// Which tap held the maximum, by output.
Kept keeps_taps(const Attributes&, std::span<const TensorSpec>, const TensorSpec& output) {
  return {.inputs = {false}, .output = false, .extra = {output}};
}

/// A comparison or an addition for each value of each window; backward visits one of them, or all.
Work work_of_maximum(const LayerContext& context, Pass pass) {
  const auto count = context.output.elements(context.batch);
  const Bytes input = context.inputs[0].bytes(context.batch), result = context.output.bytes(context.batch);
  switch (pass) {
    case Pass::forward:
      return {.elementwise = Windows(context.attributes).taps() * count, .read = input, .written = result + result};
    case Pass::input_gradient: return {.elementwise = count, .read = result + result, .written = input};
    case Pass::weight_gradient: return {};
  }
  return {};
}

Work work_of_average(const LayerContext& context, Pass pass) {
  const auto taps = Windows(context.attributes).taps(), count = context.output.elements(context.batch);
  const Bytes input = context.inputs[0].bytes(context.batch), result = context.output.bytes(context.batch);
  switch (pass) {
    case Pass::forward: return {.elementwise = (taps + 1) * count, .read = input, .written = result};
    case Pass::input_gradient: return {.elementwise = (taps + 1) * count, .read = result, .written = input};
    case Pass::weight_gradient: return {};
  }
  return {};
}

std::vector<LayoutRule> rules(const Attributes&, std::span<const TensorSpec>, const TensorSpec&) {
  return {{.name = "height", .inputs = {split(1)}, .output = split(1), .parameters = {}, .window = kHeightWindow},
          {.name = "width", .inputs = {split(2)}, .output = split(2), .parameters = {}, .window = kWidthWindow},
          {.name = "channels", .inputs = {split(0)}, .output = split(0), .parameters = {}}};
}

}  // namespace

LayerKind max_pool2d_kind() {
  return {.name = "max_pool2d",
          .meaning = "the largest value under each window",
          .attributes = kMaximum,
          .inputs = 1,
          .kink = 2,
          .output = output,
          .parameters = no_parameters,
          .kept = keeps_taps,
          .work = work_of_maximum,
          .rules = rules};
}

LayerKind average_pool2d_kind() {
  return {.name = "average_pool2d",
          .meaning = "the mean under each window",
          .attributes = kAverage,
          .inputs = 1,
          .output = output,
          .parameters = no_parameters,
          .kept = keeps_nothing,
          .work = work_of_average,
          .rules = rules};
}

}  // namespace tandem
