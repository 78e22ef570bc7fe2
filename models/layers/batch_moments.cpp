// batch_moments: mean, sum of squared deviations and count of each channel, by part of the micro-batch's values. Parts of
// an undivided layer are equal stretches of a channel's values in their order; those of a divided one, the ranks' own.

#include "models/layers/parts.hpp"

namespace tandem {

namespace {

constexpr AttributeSpec kAttributes[] = {
    {.name = "parts", .fallback = 1, .low = 1, .high = 65'536, .meaning = "parts with moments of their own"},
};

TensorSpec output(const Attributes& attributes, std::span<const TensorSpec> inputs) {
  want_float(inputs[0], 1);
  return {.dims = {attributes.integer("parts"), 3, inputs[0].dims[0]}, .per_sample = false, .statistic = true};
}

/// The mean of a part, for the slope of its squared deviations.
Kept kept(const Attributes&, std::span<const TensorSpec>, const TensorSpec&) {
  return {.inputs = {true}, .output = true, .extra = {}};
}

Work work(const LayerContext& context, Pass pass) {
  const auto count = context.inputs[0].elements(context.batch);
  const Bytes tensor = context.inputs[0].bytes(context.batch), moments = context.output.bytes(context.batch);
  switch (pass) {
    case Pass::forward:  // mean 1; subtract, square, add
      return {.elementwise = 4 * count, .read = tensor, .written = moments};
    case Pass::input_gradient:  // subtract, multiply, add
      return {.elementwise = 3 * count, .read = tensor + moments + moments, .written = tensor};
    case Pass::weight_gradient: return {};
  }
  return {};
}

std::vector<LayoutRule> rules(const Attributes&, std::span<const TensorSpec> inputs, const TensorSpec&) {
  std::vector<LayoutRule> list;
  const auto in_parts = [&](std::string_view name, std::int8_t dimension) {
    list.push_back(
        {.name = name, .inputs = {split(dimension)}, .output = split(0), .parameters = {}, .local_sizes = {"parts"}});
  };
  if (inputs[0].dims.size() > 1) in_parts("height", 1);
  if (inputs[0].dims.size() > 2) in_parts("width", 2);
  in_parts("samples", kSamples);
  return list;
}

}  // namespace

LayerKind batch_moments_kind() {
  return {.name = "batch_moments",
          .meaning = "mean, squared deviations and count of each channel, by part",
          .attributes = kAttributes,
          .inputs = 1,
          .mixes_samples = true,
          .output = output,
          .parameters = no_parameters,
          .kept = kept,
          .work = work,
          .rules = rules};
}

}  // namespace tandem
