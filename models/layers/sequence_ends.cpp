// Where sequences begin and end: image_to_sequence makes a row of each pixel, class_token puts a learnt row first, and
// first_position takes the first row out.

#include <algorithm>

#include "base/error.hpp"
#include "models/layers/parts.hpp"

namespace tandem {

namespace {

constexpr AttributeSpec kTokenAttributes[] = {
    {.name = "deviation", .fallback = 0.02, .low = 0, .high = 1e6, .meaning = "of the initial weights", .whole = false},
};

void want_dimensions(const TensorSpec& input, std::size_t count, std::string_view shape) {
  want_float(input);
  if (input.dims.size() != count) throw InputError("input has the wrong shape", shape_text(input.dims), shape);
}

/// F and I of a layer that moves values: reads the smaller tensor, writes the one that the pass makes.
Work moving_work(const LayerContext& context, Pass pass) {
  const Bytes input = context.inputs[0].bytes(context.batch), output = context.output.bytes(context.batch);
  switch (pass) {
    case Pass::forward: return {.read = std::min(input, output), .written = output};
    case Pass::input_gradient: return {.read = std::min(input, output), .written = input};
    case Pass::weight_gradient: return {};
  }
  return {};
}

TensorSpec sequence_output(const Attributes&, std::span<const TensorSpec> inputs) {
  want_dimensions(inputs[0], 3, "[channels, height, width]");
  const auto& dims = inputs[0].dims;
  return float_tensor({element_count(std::vector{dims[1], dims[2]}), dims[0]});
}

std::vector<LayoutRule> sequence_rules(const Attributes&, std::span<const TensorSpec>, const TensorSpec&) {
  return {{.name = "channels", .inputs = {split(0)}, .output = split(1), .parameters = {}}};
}

TensorSpec with_token(const Attributes&, std::span<const TensorSpec> inputs) {
  want_dimensions(inputs[0], 2, "[sequence, hidden]");
  return float_tensor({inputs[0].dims[0] + 1, inputs[0].dims[1]});
}

std::vector<ParameterSpec> token_parameters(const Attributes& attributes, std::span<const TensorSpec> inputs) {
  return {{.name = "weight",
           .dims = {inputs[0].columns()},
           .initial = Initial::normal,
           .deviation = attributes.number("deviation")}};
}

Work token_work(const LayerContext& context, Pass pass) {
  const Bytes row = context.weights(context.output.columns());
  Work work = moving_work(context, pass);
  if (pass == Pass::forward) work.read += row;
  if (pass == Pass::weight_gradient) {
    work = {.elementwise = context.output.columns() * context.batch, .read = row * context.batch + row, .written = row};
  }
  return work;
}

std::vector<LayoutRule> token_rules(const Attributes&, std::span<const TensorSpec>, const TensorSpec&) {
  return {{.name = "columns", .inputs = {split(1)}, .output = split(1), .parameters = {split(0)}}};
}

TensorSpec first_output(const Attributes&, std::span<const TensorSpec> inputs) {
  want_dimensions(inputs[0], 2, "[sequence, hidden]");
  return float_tensor({inputs[0].dims[1]});
}

std::vector<LayoutRule> first_rules(const Attributes&, std::span<const TensorSpec>, const TensorSpec&) {
  return {{.name = "columns", .inputs = {split(1)}, .output = split(0), .parameters = {}}};
}

}  // namespace

LayerKind image_to_sequence_kind() {
  return {.name = "image_to_sequence",
          .meaning = "[channels, height, width] to [height * width, channels]",
          .attributes = {},
          .inputs = 1,
          .output = sequence_output,
          .parameters = no_parameters,
          .kept = keeps_nothing,
          .work = moving_work,
          .rules = sequence_rules};
}

LayerKind class_token_kind() {
  return {.name = "class_token",
          .meaning = "puts a learnt row before the sequence",
          .attributes = kTokenAttributes,
          .inputs = 1,
          .output = with_token,
          .parameters = token_parameters,
          .kept = keeps_nothing,
          .work = token_work,
          .rules = token_rules};
}

LayerKind first_position_kind() {
  return {.name = "first_position",
          .meaning = "the first row of the sequence",
          .attributes = {},
          .inputs = 1,
          .output = first_output,
          .parameters = no_parameters,
          .kept = keeps_nothing,
          .work = moving_work,
          .rules = first_rules};
}

}  // namespace tandem
