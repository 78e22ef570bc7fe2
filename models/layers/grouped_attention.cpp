// grouped_attention: softmax(Q K^T / sqrt(d)) V per head, where several heads of queries share one of keys and values
// (2305.13245).

#include <array>

#include <fmt/format.h>

#include "base/error.hpp"
#include "models/layers/attention_dropout.hpp"
#include "models/layers/parts.hpp"

namespace tandem {

namespace {

constexpr AttributeSpec kAttributes[] = {
    {.name = "heads", .fallback = {}, .low = 1, .high = 65'536, .meaning = "of the queries", .in_signature = true},
    {.name = "key_value_heads",
     .fallback = {},
     .low = 1,
     .high = 65'536,
     .meaning = "must divide heads",
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
  for (const auto& input : inputs) want_float(input, 2);
  want_same(inputs[1], inputs[2]);
  const auto heads = attributes.integer("heads"), shared = attributes.integer("key_value_heads");
  if (heads % shared != 0) {
    throw InputError("key_value_heads does not divide heads", fmt::format("{} and {}", shared, heads), "a divisor");
  }
  const auto &query = inputs[0], &key = inputs[1];
  const bool fits = query.dims.size() == 2 && key.dims.size() == 2 && query.dims[0] == key.dims[0] &&
                    query.columns() % heads == 0 && key.columns() * heads == query.columns() * shared;
  if (fits) return query;
  throw InputError(fmt::format("{} heads and {} key and value heads cannot share the inputs", heads, shared),
                   fmt::format("{} and {}", shape_text(query.dims), shape_text(key.dims)),
                   "[sequence, heads * d] and [sequence, key_value_heads * d]");
}

TensorSpec probabilities(const Attributes& attributes, const TensorSpec& output) {
  return float_tensor({attributes.integer("heads"), output.dims[0], output.dims[0]});
}

Kept kept(const Attributes& attributes, std::span<const TensorSpec>, const TensorSpec& output) {
  return {.inputs = {true, true, true}, .output = false, .extra = kept_probabilities(attributes, probabilities(attributes, output))};
}

Work work(const LayerContext& context, Pass pass) {
  const auto heads = context.attributes.integer("heads");
  const auto s = context.output.dims[0], d = context.output.columns() / heads;
  const auto count = element_count(std::array{context.batch, heads});
  const auto scores = element_count(std::array{s, s, count});
  const auto unmasked = context.attributes.integer("causal") == 1 ? (s + 1) * (scores / s) / 2 : scores;
  const Product into_scores{s, s, d, count}, out_of_scores{s, d, s, count};
  const Bytes given = sum_bytes(context.batch, {context.inputs[0], context.inputs[1], context.inputs[2]});
  const Bytes result = context.output.bytes(context.batch);
  const TensorSpec kept = probabilities(context.attributes, context.output);
  const AttentionDropoutWork dropout = attention_dropout_work(context, kept, pass, unmasked, scores);
  const Bytes matrix = context.bytes(kept) + dropout.stored;
  switch (pass) {
    case Pass::forward:  // S = Q K^T, O = P V
      return {.products = {into_scores, out_of_scores},
              .elementwise = kForwardOperations * unmasked + dropout.operations,
              .transcendentals = unmasked,
              .read = given,
              .written = result + matrix};
    case Pass::input_gradient:  // dV = P^T dO, dP = dO V^T, dQ = dS K, dK = dS^T Q
      return {.products = {out_of_scores, into_scores, out_of_scores, out_of_scores},
              .elementwise = kInputOperations * scores + dropout.operations,
              .read = given + matrix + result,
              .written = given};
    case Pass::weight_gradient: return {};
  }
  return {};
}

std::vector<LayoutRule> rules(const Attributes&, std::span<const TensorSpec>, const TensorSpec&) {
  return {{.name = "heads",
           .inputs = {split(1), split(1), split(1)},
           .output = split(1),
           .parameters = {},
           .local_sizes = {"heads", "key_value_heads"}}};
}

}  // namespace

LayerKind grouped_attention_kind() {
  return {.name = "grouped_attention",
          .meaning = "attention of q, k and v, whose heads of keys and values serve several of queries",
          .attributes = kAttributes,
          .inputs = 3,
          .output = output,
          .parameters = no_parameters,
          .kept = kept,
          .work = work,
          .scratch = attention_scratch,
          .rules = rules};
}

}  // namespace tandem
