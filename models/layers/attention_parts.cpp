#include "models/layers/attention_parts.hpp"

#include <array>

#include "models/layers/random_mask.hpp"

namespace tandem {
namespace {

bool drops(const Attributes& attributes) { return attributes.number("dropout") > 0; }
bool stores(const Attributes& attributes) { return drops(attributes) && attributes.integer("stores_mask") == 1; }

TensorSpec mask_of(const TensorSpec& probabilities) {
  return {.dims = probabilities.dims, .type = ElementType::uint8, .per_sample = probabilities.per_sample};
}

TensorSpec probabilities_of(const Attributes& attributes, const TensorSpec& output) {
  return float_tensor({attributes.integer("heads"), output.dims[0], output.dims[0]});
}

/// Beside products and softmax. `seen`: probabilities that no causal mask hides, of `all`.
struct DropoutWork {
  std::int64_t operations = 0;
  Bytes stored{};  ///< written by F, read by I
};
DropoutWork dropout_work(const LayerContext& context, Pass pass, std::int64_t seen, std::int64_t all) {
  if (!drops(context.attributes)) return {};
  const TensorSpec probabilities = probabilities_of(context.attributes, context.output);
  const bool stored = stores(context.attributes);
  const Bytes bytes = stored ? context.bytes(mask_of(probabilities)) + context.bytes(probabilities) : Bytes{};
  if (pass == Pass::forward) return {kMaskOperations * seen, bytes};
  return {stored ? all : kMaskOperations * seen + 2 * all, bytes};  // mask of dP; of P, too, where that is not stored
}

// F, per score that is not masked: maximum, subtract, sum, divide; the product Q K^T scales.
constexpr std::int64_t kForwardOperations = 4;
// I, per score, masked or not: P dP, row sum, subtract, times P, scale.
constexpr std::int64_t kInputOperations = 5;

}  // namespace

Kept attention_kept(const Attributes& attributes, std::span<const TensorSpec> inputs, const TensorSpec& output) {
  const TensorSpec probabilities = probabilities_of(attributes, output);
  Kept kept{.inputs = std::vector<bool>(inputs.size(), true), .output = false, .extra = {probabilities}};
  if (stores(attributes)) kept.extra.insert(kept.extra.end(), {mask_of(probabilities), probabilities});
  return kept;
}

Work attention_work(const LayerContext& context, Pass pass) {
  if (pass == Pass::weight_gradient) return {};
  const auto heads = context.attributes.integer("heads");
  const auto s = context.output.dims[0], d = context.output.columns() / heads;
  const auto count = element_count(std::array{context.batch, heads});
  const auto scores = element_count(std::array{s, s, count});
  const auto unmasked = context.attributes.integer("causal") == 1 ? (s + 1) * (scores / s) / 2 : scores;
  const Product into_scores{s, s, d, count}, out_of_scores{s, d, s, count};
  Bytes given{};
  for (const TensorSpec& input : context.inputs) given += input.bytes(context.batch);
  const Bytes result = context.output.bytes(context.batch);
  const DropoutWork dropout = dropout_work(context, pass, unmasked, scores);
  const Bytes matrix = context.bytes(probabilities_of(context.attributes, context.output)) + dropout.stored;
  if (pass == Pass::forward)  // S = Q K^T, O = P V
    return {.products = {into_scores, out_of_scores},
            .elementwise = kForwardOperations * unmasked + dropout.operations,
            .transcendentals = unmasked,
            .read = given,
            .written = result + matrix};
  // dV = P^T dO, dP = dO V^T, dQ = dS K, dK = dS^T Q
  return {.products = {out_of_scores, into_scores, out_of_scores, out_of_scores},
          .elementwise = kInputOperations * scores + dropout.operations,
          .read = given + matrix + result,
          .written = given};
}

Bytes attention_scratch(const LayerContext& context, Pass pass) {
  const auto s = context.output.dims[0];
  const bool made_again = drops(context.attributes) && !stores(context.attributes);
  if (pass == Pass::weight_gradient || (pass == Pass::forward && !made_again)) return {};
  return float_bytes(s) * s + (made_again ? Bytes{s} * s : Bytes{});
}

}  // namespace tandem
