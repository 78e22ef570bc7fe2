// dropout: y = x / (1 - p) where a random mask keeps the value, else 0. The mask is a function of the value's place in
// the whole tensor, so nothing is kept for backward and every partition has the same one.

#include "models/layers/parts.hpp"

namespace tandem {

namespace {

constexpr AttributeSpec kAttributes[] = {
    {.name = "probability",
     .fallback = 0.1,
     .low = 0,
     .high = 0.999,
     .meaning = "of a value to be dropped",
     .whole = false},
};

Work work(const LayerContext& context, Pass pass) {
  // Philox4x32-10 makes four words in ten rounds of two multiplications and four exclusive ors; then compare and scale.
  constexpr std::int64_t kOperations = 10 * 6 / 4 + 2;
  const Bytes tensor = context.output.bytes(context.batch);
  if (pass == Pass::weight_gradient) return {};
  return {.elementwise = kOperations * context.output.elements(context.batch), .read = tensor, .written = tensor};
}

}  // namespace

LayerKind dropout_kind() {
  return {.name = "dropout",
          .meaning = "y = x / (1 - p) or, with probability p, 0",
          .attributes = kAttributes,
          .inputs = 1,
          .output = same_as_first,
          .parameters = no_parameters,
          .kept = keeps_nothing,
          .work = work,
          .rules = elementwise_rules};
}

}  // namespace tandem
