#include "models/layers/parts.hpp"

#include <fmt/format.h>

#include "base/error.hpp"

namespace tandem {

void want_float(const TensorSpec& input, std::size_t dimensions) {
  if (!is_real(input.type)) throw InputError("input has the wrong element type", "int32", "float32");
  if (input.dims.size() < dimensions) {
    throw InputError("input has too few dimensions", shape_text(input.dims),
                     fmt::format("at least {} besides the batch", dimensions));
  }
}

void want_same(const TensorSpec& first, const TensorSpec& second) {
  if (first == second) return;
  throw InputError("inputs differ in shape", fmt::format("{} and {}", shape_text(first.dims), shape_text(second.dims)),
                   "equal shapes");
}

void want_targets(const TensorSpec& prediction, const TensorSpec& targets) {
  want_float(prediction, 1);
  const std::vector<std::int64_t> rows(prediction.dims.begin(), prediction.dims.end() - 1);
  if (targets.type != ElementType::int32) throw InputError("target has the wrong element type", "float32", "int32");
  const bool is_single = rows.empty() && targets.dims == std::vector<std::int64_t>{1};
  if (targets.dims == rows || is_single) return;
  throw InputError("target has the wrong shape", shape_text(targets.dims), shape_text(rows));
}

TensorSpec same_as_first(const Attributes&, std::span<const TensorSpec> inputs) {
  want_float(inputs[0]);
  return inputs[0];
}

TensorSpec float_tensor(std::vector<std::int64_t> dims) { return {.dims = std::move(dims)}; }

TensorSpec loss_value() { return {.dims = {}, .per_sample = false, .statistic = true}; }

TensorSpec with_columns(const TensorSpec& input, std::int64_t columns) {
  TensorSpec result = input;
  result.dims.back() = columns;
  return result;
}

std::vector<ParameterSpec> no_parameters(const Attributes&, std::span<const TensorSpec>) { return {}; }

Kept keeps_nothing(const Attributes&, std::span<const TensorSpec> inputs, const TensorSpec&) {
  return {.inputs = std::vector<bool>(inputs.size(), false), .output = false, .extra = {}};
}

Kept keeps_inputs(const Attributes&, std::span<const TensorSpec> inputs, const TensorSpec&) {
  return {.inputs = std::vector<bool>(inputs.size(), true), .output = false, .extra = {}};
}

Bytes sum_bytes(std::int64_t batch, std::initializer_list<TensorSpec> tensors) {
  Bytes sum;
  for (const auto& tensor : tensors) sum += tensor.bytes(batch);
  return sum;
}

Bytes float_bytes(std::int64_t count) { return Bytes{4} * count; }

std::vector<LayoutRule> elementwise_rules(const Attributes&, std::span<const TensorSpec> inputs,
                                          const TensorSpec& output) {
  constexpr std::string_view kImage[] = {"channels", "height", "width"}, kRows[] = {"positions", "columns"};
  const auto count = output.dims.size();
  std::vector<LayoutRule> rules;
  for (std::size_t dimension = count; dimension-- > 0;) {
    if (count > 3 && dimension + 1 < count) continue;
    const auto name = count == 3 ? kImage[dimension] : count == 2 ? kRows[dimension] : kRows[1];
    const auto layout = split(static_cast<std::int8_t>(dimension));
    rules.push_back({.name = name, .inputs = std::vector(inputs.size(), layout), .output = layout, .parameters = {}});
  }
  return rules;
}

std::vector<LayoutRule> position_rules(const TensorSpec& input, std::size_t parameters) {
  if (input.dims.size() < 2) return {};
  return {{.name = "positions",
           .inputs = {split(0)},
           .output = split(0),
           .parameters = std::vector(parameters, kReplicated)}};
}

AxisLayout split_columns(const TensorSpec& tensor, std::uint8_t blocks) {
  return split(static_cast<std::int8_t>(tensor.dims.size() - 1), blocks);
}

Work pointwise_work(const LayerContext& context, Pass pass, PointwiseCost forward, PointwiseCost backward) {
  if (pass == Pass::weight_gradient) return {};
  const auto count = context.output.elements(context.batch);
  const Bytes tensor = context.output.bytes(context.batch);
  const Bytes inputs = tensor * static_cast<std::int64_t>(context.inputs.size());
  const bool is_forward = pass == Pass::forward;
  const PointwiseCost cost = is_forward ? forward : backward;
  return {.elementwise = cost.operations * count,
          .transcendentals = cost.transcendentals * count,
          .read = is_forward ? inputs : tensor + inputs,
          .written = is_forward ? tensor : inputs};
}

Work source_work(const LayerContext& context, Pass pass) {
  Work work;
  if (pass == Pass::forward) work.written = context.output.bytes(context.batch);
  return work;
}

}  // namespace tandem
