// attention: softmax(Q K^T / sqrt(d)) V per head, from q, k and v side by side in each row (1706.03762).

#include <array>

#include <fmt/format.h>

#include "base/error.hpp"
#include "models/layers/attention_dropout.hpp"
#include "models/layers/parts.hpp"

namespace tandem {

namespace {

constexpr AttributeSpec kAttributes[] = {
    {.name = "heads",
     .fallback = {},
     .low = 1,
     .high = 65'536,
     .meaning = "must divide hidden",
     .in_signature = true},
    {.name = "causal",
     .fallback = 1,
     .low = 0,
     .high = 1,
     .meaning = "1: a position sees itself and those before it",
     .in_signature = true},
    attention_dropout_rate(),
    attention_stores_mask(),
};

// F, per score that is not masked: maximum, subtract, sum, divide; the product Q K^T scales.
constexpr std::int64_t kForwardOperations = 4;
// I, per score, masked or not: P dP, row sum, subtract, times P, scale.
constexpr std::int64_t kInputOperations = 5;

TensorSpec output(const Attributes& attributes, std::span<const TensorSpec> inputs) {
  want_float(inputs[0], 2);
  const auto heads = attributes.integer("heads"), columns = inputs[0].columns();
  if (columns % (3 * heads) == 0 && inputs[0].dims.size() == 2) return with_columns(inputs[0], columns / 3);
  throw InputError(fmt::format("{} heads cannot share the input", heads), shape_text(inputs[0].dims),
                   fmt::format("[sequence, 3 * hidden] with hidden a multiple of {}", heads));
}

TensorSpec probabilities(const Attributes& attributes, const TensorSpec& output) {
  return float_tensor({attributes.integer("heads"), output.dims[0], output.dims[0]});
}

Kept kept(const Attributes& attributes, std::span<const TensorSpec>, const TensorSpec& output) {
  return {.inputs = {true}, .output = false, .extra = kept_probabilities(attributes, probabilities(attributes, output))};
}

Work work(const LayerContext& context, Pass pass) {
  const auto heads = context.attributes.integer("heads");
  const auto s = context.output.dims[0], d = context.output.columns() / heads;
  const auto count = element_count(std::array{context.batch, heads});
  const auto scores = element_count(std::array{s, s, count});
  const auto unmasked = context.attributes.integer("causal") == 1 ? (s + 1) * (scores / s) / 2 : scores;
  const Product into_scores{s, s, d, count}, out_of_scores{s, d, s, count};
  const Bytes packed = context.inputs[0].bytes(context.batch), result = context.output.bytes(context.batch);
  const TensorSpec kept = probabilities(context.attributes, context.output);
  const AttentionDropoutWork dropout = attention_dropout_work(context, kept, pass, unmasked, scores);
  const Bytes matrix = context.bytes(kept) + dropout.stored;
  switch (pass) {
    case Pass::forward:  // S = Q K^T, O = P V
      return {.products = {into_scores, out_of_scores},
              .elementwise = kForwardOperations * unmasked + dropout.operations,
              .transcendentals = unmasked,
              .read = packed,
              .written = result + matrix};
    case Pass::input_gradient:  // dV = P^T dO, dP = dO V^T, dQ = dS K, dK = dS^T Q
      return {.products = {out_of_scores, into_scores, out_of_scores, out_of_scores},
              .elementwise = kInputOperations * scores + dropout.operations,
              .read = packed + matrix + result,
              .written = packed};
    case Pass::weight_gradient: return {};
  }
  return {};
}

std::vector<LayoutRule> rules(const Attributes&, std::span<const TensorSpec>, const TensorSpec&) {
  constexpr std::uint8_t kQueryKeyValue = 3;
  return {{.name = "heads",
           .inputs = {split(1, kQueryKeyValue)},
           .output = split(1),
           .parameters = {},
           .local_sizes = {"heads"}}};
}

}  // namespace

LayerKind attention_kind() {
  return {.name = "attention",
          .meaning = "softmax(Q K^T / sqrt(d)) V per head",
          .attributes = kAttributes,
          .inputs = 1,
          .output = output,
          .parameters = no_parameters,
          .kept = kept,
          .work = work,
          .scratch = attention_scratch,
          .rules = rules};
}

}  // namespace tandem
