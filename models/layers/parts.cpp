#include "models/layers/parts.hpp"

#include <fmt/format.h>

#include "base/error.hpp"

namespace tandem {

void want_float(const TensorSpec& input, std::size_t dimensions) {
  if (input.type != ElementType::float32) throw InputError("input has the wrong element type", "int32", "float32");
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

TensorSpec same_as_first(const Attributes&, std::span<const TensorSpec> inputs) {
  want_float(inputs[0]);
  return inputs[0];
}

TensorSpec float_tensor(std::vector<std::int64_t> dims) { return {.dims = std::move(dims)}; }

TensorSpec loss_value() { return {.dims = {}, .per_sample = false}; }

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

Work source_work(const LayerContext& context, Pass pass) {
  Work work;
  if (pass == Pass::forward) work.written = context.output.bytes(context.batch);
  return work;
}

}  // namespace tandem
