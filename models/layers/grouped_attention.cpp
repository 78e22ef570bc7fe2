// grouped_attention: softmax(Q K^T / sqrt(d)) V per head, where several heads of queries share one of keys and values
// (2305.13245).

#include <fmt/format.h>

#include "base/error.hpp"
#include "models/layers/attention_parts.hpp"
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
    attention_is_causal(),
    attention_dropout_rate(),
    attention_stores_mask(),
};

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
          .kept = attention_kept,
          .work = attention_work,
          .scratch = attention_scratch,
          .rules = rules};
}

}  // namespace tandem
