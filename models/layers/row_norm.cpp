#include "models/layers/row_norm.hpp"

namespace tandem {
namespace {

TensorSpec statistics(const TensorSpec& x, const RowNorm& norm) {
  TensorSpec spec = with_columns(x, norm.statistics);
  spec.statistic = true;
  return spec;
}

}  // namespace

TensorSpec row_norm_output(const Attributes&, std::span<const TensorSpec> inputs) {
  want_float(inputs[0], 1);
  return inputs[0];
}

Kept row_norm_kept(std::span<const TensorSpec> inputs, const RowNorm& norm) {
  return {.inputs = {true}, .output = false, .extra = {statistics(inputs[0], norm)}};
}

Work row_norm_work(const LayerContext& context, Pass pass, const RowNorm& norm) {
  const auto& x = context.inputs[0];
  const auto count = x.elements(context.batch);
  const Bytes tensor = x.bytes(context.batch), rows = context.bytes(statistics(x, norm));
  const Bytes weight = context.weights(x.columns()), weights = weight * norm.parameters;
  switch (pass) {
    case Pass::forward:
      return {.elementwise = norm.forward * count,
              .transcendentals = x.rows(context.batch),
              .read = tensor + weights,
              .written = tensor + rows};
    case Pass::input_gradient:
      return {.elementwise = norm.input_gradient * count, .read = tensor + tensor + rows + weight, .written = tensor};
    case Pass::weight_gradient:
      return {.elementwise = norm.weight_gradient * count, .read = tensor + tensor + rows + weights, .written = weights};
  }
  return {};
}

}  // namespace tandem
