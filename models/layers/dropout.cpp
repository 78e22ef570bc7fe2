// dropout: y = x / (1 - p) where a random mask keeps the value, else 0. The mask is a function of the value's place in
// the whole tensor, so every partition has the same one, and backward makes it again unless the layer keeps it.

#include "models/layers/parts.hpp"
#include "models/layers/random_mask.hpp"

namespace tandem {

namespace {

constexpr AttributeSpec kAttributes[] = {
    {.name = "probability",
     .fallback = 0.1,
     .low = 0,
     .high = 0.999,
     .meaning = "of a value to be dropped",
     .whole = false},
    {.name = "stores_mask",
     .fallback = 0,
     .low = 0,
     .high = 1,
     .meaning = "1: backward reads the mask, kept in a byte a value; 0: makes it again",
     .in_signature = true},
};

bool stores_mask(const Attributes& attributes) { return attributes.integer("stores_mask") == 1; }

TensorSpec mask(const TensorSpec& x) { return {.dims = x.dims, .type = ElementType::uint8, .per_sample = x.per_sample}; }

Kept kept(const Attributes& attributes, std::span<const TensorSpec> inputs, const TensorSpec&) {
  Kept kept{.inputs = {false}, .output = false, .extra = {}};
  if (stores_mask(attributes)) kept.extra.push_back(mask(inputs[0]));
  return kept;
}

Work work(const LayerContext& context, Pass pass) {
  const Bytes tensor = context.output.bytes(context.batch);
  const std::int64_t count = context.output.elements(context.batch);
  const Bytes kept = stores_mask(context.attributes) ? context.bytes(mask(context.inputs[0])) : Bytes{};
  if (pass == Pass::weight_gradient) return {};
  if (pass == Pass::forward) return {.elementwise = kMaskOperations * count, .read = tensor, .written = tensor + kept};
  return {.elementwise = kept.count > 0 ? count : kMaskOperations * count, .read = tensor + kept, .written = tensor};
}

}  // namespace

LayerKind dropout_kind() {
  return {.name = "dropout",
          .meaning = "y = x / (1 - p) or, with probability p, 0",
          .attributes = kAttributes,
          .inputs = 1,
          .output = same_as_first,
          .parameters = no_parameters,
          .kept = kept,
          .work = work,
          .rules = elementwise_rules};
}

}  // namespace tandem
