// gelu in the tanh approximation, as GPT-2: y = x/2 (1 + tanh(c (x + 0.044715 x^3))), c = sqrt(2/pi) (1606.08415).

#include "models/layers/parts.hpp"

namespace tandem {

namespace {

// F: c * x, 0.044715 * x * x, + 1 and their product before the tanh; + 1, * x and / 2 after it.
constexpr std::int64_t kForwardOperations = 8;
// I: the five before the tanh again, then 11 for dx = dy/2 (1 + t) (1 + x (1 - t) (c + 3 * 0.044715 c x^2)).
constexpr std::int64_t kBackwardOperations = 16;

Work work(const LayerContext& context, Pass pass) {
  return pointwise_work(context, pass, {kForwardOperations, 1}, {kBackwardOperations, 1});
}

}  // namespace

LayerKind gelu_kind() {
  return {.name = "gelu",
          .meaning = "y = x/2 (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3)))",
          .attributes = {},
          .inputs = 1,
          .output = same_as_first,
          .parameters = no_parameters,
          .kept = keeps_inputs,
          .work = work,
          .rules = elementwise_rules};
}

}  // namespace tandem
