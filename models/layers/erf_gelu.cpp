// erf_gelu: y = x/2 (1 + erf(x / sqrt(2))), the exact form of gelu (1606.08415), as BERT and ViT.

#include "models/layers/parts.hpp"

namespace tandem {

namespace {

// F: x / sqrt(2), + 1, times x, / 2.
constexpr std::int64_t kForwardOperations = 4;
// I: x / sqrt(2), + 1, / 2, -x^2/2 (2), times c x (2), sum, times dy.
constexpr std::int64_t kBackwardOperations = 9;

Work work(const LayerContext& context, Pass pass) {
  // I: erf and exp
  return pointwise_work(context, pass, {kForwardOperations, 1}, {kBackwardOperations, 2});
}

}  // namespace

LayerKind erf_gelu_kind() {
  return {.name = "erf_gelu",
          .meaning = "y = x/2 (1 + erf(x / sqrt(2)))",
          .attributes = {},
          .inputs = 1,
          .output = same_as_first,
          .parameters = no_parameters,
          .kept = keeps_inputs,
          .work = work,
          .rules = elementwise_rules};
}

}  // namespace tandem
