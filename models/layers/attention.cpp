// attention: softmax(Q K^T / sqrt(d)) V per head, from q, k and v side by side in each row (1706.03762).

#include <fmt/format.h>

#include "base/error.hpp"
#include "models/layers/attention_parts.hpp"
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
    attention_is_causal(),
    attention_dropout_rate(),
    attention_stores_mask(),
};

TensorSpec output(const Attributes& attributes, std::span<const TensorSpec> inputs) {
  want_float(inputs[0], 2);
  const auto heads = attributes.integer("heads"), columns = inputs[0].columns();
  if (columns % (3 * heads) == 0 && inputs[0].dims.size() == 2) return with_columns(inputs[0], columns / 3);
  throw InputError(fmt::format("{} heads cannot share the input", heads), shape_text(inputs[0].dims),
                   fmt::format("[sequence, 3 * hidden] with hidden a multiple of {}", heads));
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
          .kept = attention_kept,
          .work = attention_work,
          .scratch = attention_scratch,
          .rules = rules};
}

}  // namespace tandem
