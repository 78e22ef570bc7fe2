// The cross entropy over a vocabulary split in parts, without gathering the scores (1909.08053, section 3):
// vocabulary_statistics says three numbers of each part, cross_entropy_from_statistics makes the loss of them.

#include <fmt/format.h>

#include "base/error.hpp"
#include "models/layers/parts.hpp"

namespace tandem {

namespace {

constexpr std::int64_t kNumbers = 3;

constexpr AttributeSpec kAttributes[] = {
    {.name = "parts", .fallback = 1, .low = 1, .high = 65'536, .meaning = "of the vocabulary, as equal as can be"},
};

TensorSpec statistics(const TensorSpec& prediction, std::int64_t parts) {
  TensorSpec result = with_columns(prediction, kNumbers);
  result.statistic = true;
  result.dims.insert(result.dims.begin(), parts);
  return result;
}

TensorSpec statistics_output(const Attributes& attributes, std::span<const TensorSpec> inputs) {
  want_targets(inputs[0], inputs[1]);
  const auto parts = attributes.integer("parts"), vocabulary = inputs[0].columns();
  if (parts <= vocabulary) return statistics(inputs[0], parts);
  throw InputError("more parts than values", fmt::format("{} parts of {}", parts, vocabulary), "a value a part or more");
}

Work statistics_work(const LayerContext& context, Pass pass) {
  if (pass != Pass::forward) return {};
  const auto count = context.inputs[0].elements(context.batch);
  return {.elementwise = 3 * count,  // maximum, subtract, sum
          .transcendentals = count,
          .read = context.inputs[0].bytes(context.batch) + context.inputs[1].bytes(context.batch),
          .written = context.output.bytes(context.batch)};
}

std::vector<LayoutRule> statistics_rules(const Attributes&, std::span<const TensorSpec> inputs, const TensorSpec&) {
  return {{.name = "vocabulary",
           .inputs = {split_columns(inputs[0]), kReplicated},
           .output = split(0),
           .parameters = {},
           .local_sizes = {"parts"}}};
}

TensorSpec loss_output(const Attributes&, std::span<const TensorSpec> inputs) {
  want_targets(inputs[0], inputs[2]);
  want_float(inputs[1], 2);
  const auto want = statistics(inputs[0], inputs[1].dims[0]);
  if (inputs[1].dims == want.dims) return loss_value();
  throw InputError("statistics have the wrong shape", shape_text(inputs[1].dims), shape_text(want.dims));
}

Work loss_work(const LayerContext& context, Pass pass) {
  const auto &prediction = context.inputs[0], &given = context.inputs[1];
  const auto count = prediction.elements(context.batch), rows = prediction.rows(context.batch);
  const auto numbers = given.elements(context.batch), terms = given.rows(context.batch);
  const Bytes scores = prediction.bytes(context.batch), few = given.bytes(context.batch);
  switch (pass) {
    case Pass::forward:  // per part: maximum, subtract, exp, times, two sums; per row: log, add, subtract, sum
      return {.elementwise = 5 * terms + 3 * rows,
              .transcendentals = terms + rows,
              .read = few,
              .written = context.output.bytes(context.batch)};
    case Pass::input_gradient:  // the same sums again; per score: subtract, exp, scale; per row: minus 1 at the target
      return {.elementwise = 2 * count + numbers + 2 * rows,
              .transcendentals = count + terms,
              .read = scores + few + context.inputs[2].bytes(context.batch),
              .written = scores};
    case Pass::weight_gradient: return {};
  }
  return {};
}

std::vector<LayoutRule> loss_rules(const Attributes&, std::span<const TensorSpec> inputs, const TensorSpec&) {
  return {{.name = "vocabulary",
           .inputs = {split_columns(inputs[0]), kReplicated, kReplicated},
           .output = kReplicated,
           .parameters = {}}};
}

}  // namespace

LayerKind vocabulary_statistics_kind() {
  return {.name = "vocabulary_statistics",
          .meaning = "per part of the vocabulary: maximum, sum of exp(score - maximum), the target's score or 0",
          .attributes = kAttributes,
          .inputs = 2,
          .is_constant = true,
          .output = statistics_output,
          .parameters = no_parameters,
          .kept = keeps_nothing,
          .work = statistics_work,
          .rules = statistics_rules};
}

LayerKind cross_entropy_from_statistics_kind() {
  return {.name = "cross_entropy_from_statistics",
          .meaning = "loss: softmax_cross_entropy of scores, their vocabulary_statistics, and targets",
          .attributes = {},
          .inputs = 3,
          .is_loss = true,
          .output = loss_output,
          .parameters = no_parameters,
          .kept = keeps_inputs,
          .work = loss_work,
          .rules = loss_rules};
}

}  // namespace tandem
