// softmax_cross_entropy: the mean over all rows of -log softmax(prediction)[target].

#include "models/layers/parts.hpp"

namespace tandem {

namespace {

TensorSpec output(const Attributes&, std::span<const TensorSpec> inputs) {
  want_targets(inputs[0], inputs[1]);
  return loss_value();
}

Kept kept(const Attributes&, std::span<const TensorSpec> inputs, const TensorSpec&) {
  return {.inputs = {false, true}, .output = false, .extra = {inputs[0]}};
}

Work work(const LayerContext& context, Pass pass) {
  const auto& prediction = context.inputs[0];
  const auto count = prediction.elements(context.batch), rows = prediction.rows(context.batch);
  const Bytes scores = prediction.bytes(context.batch), targets = context.inputs[1].bytes(context.batch);
  switch (pass) {
    case Pass::forward:  // per value: maximum, subtract, exp, sum, divide; per row: log, subtract, sum
      return {.elementwise = 4 * count + 2 * rows,
              .transcendentals = count + rows,
              .read = scores + targets,
              .written = scores + context.output.bytes(context.batch)};
    case Pass::input_gradient:  // (probability - 1 at the target) / rows
      return {.elementwise = count + rows, .read = scores + targets, .written = scores};
    case Pass::weight_gradient: return {};
  }
  return {};
}

std::vector<LayoutRule> rules(const Attributes&, std::span<const TensorSpec> inputs, const TensorSpec&) {
  if (inputs[0].dims.size() < 2) return {};
  return {{.name = "positions", .inputs = {split(0), split(0)}, .output = kPartial, .parameters = {}}};
}

}  // namespace

LayerKind softmax_cross_entropy_kind() {
  return {.name = "softmax_cross_entropy",
          .meaning = "loss: mean of -log softmax(prediction)[target]",
          .attributes = {},
          .inputs = 2,
          .is_loss = true,
          .output = output,
          .parameters = no_parameters,
          .kept = kept,
          .work = work,
          .rules = rules};
}

}  // namespace tandem
