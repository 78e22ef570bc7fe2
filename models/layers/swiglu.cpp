// swiglu: y = silu(gate) * up with silu(g) = g / (1 + exp(-g)) (2002.05202).

#include "models/layers/parts.hpp"

namespace tandem {

namespace {

// F: negate, + 1, divide, times up.
constexpr std::int64_t kForwardOperations = 4;
// I: sigmoid again 3; silu 1; dup 1; dgate = dy up sigmoid (1 + g (1 - sigmoid)) 6.
constexpr std::int64_t kInputOperations = 11;

TensorSpec output(const Attributes&, std::span<const TensorSpec> inputs) {
  want_float(inputs[0]);
  want_same(inputs[0], inputs[1]);
  return inputs[0];
}

Work work(const LayerContext& context, Pass pass) {
  return pointwise_work(context, pass, {kForwardOperations, 1}, {kInputOperations, 1});
}

}  // namespace

LayerKind swiglu_kind() {
  return {.name = "swiglu",
          .meaning = "y = gate / (1 + exp(-gate)) * up",
          .attributes = {},
          .inputs = 2,
          .output = output,
          .parameters = no_parameters,
          .kept = keeps_inputs,
          .work = work,
          .rules = elementwise_rules};
}

}  // namespace tandem
