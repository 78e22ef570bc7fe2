#include "models/layers/attention_dropout.hpp"

#include "models/layers/random_mask.hpp"

namespace tandem {
namespace {

bool drops(const Attributes& attributes) { return attributes.number("dropout") > 0; }
bool stores(const Attributes& attributes) { return drops(attributes) && attributes.integer("stores_mask") == 1; }

TensorSpec mask_of(const TensorSpec& probabilities) {
  return {.dims = probabilities.dims, .type = ElementType::uint8, .per_sample = probabilities.per_sample};
}

}  // namespace

std::vector<TensorSpec> kept_probabilities(const Attributes& attributes, const TensorSpec& probabilities) {
  if (!stores(attributes)) return {probabilities};
  return {probabilities, mask_of(probabilities), probabilities};
}

AttentionDropoutWork attention_dropout_work(const LayerContext& context, const TensorSpec& probabilities, Pass pass,
                                            std::int64_t seen, std::int64_t all) {
  if (!drops(context.attributes) || pass == Pass::weight_gradient) return {};
  const bool stored = stores(context.attributes);
  const Bytes bytes = stored ? context.bytes(mask_of(probabilities)) + context.bytes(probabilities) : Bytes{};
  if (pass == Pass::forward) return {kMaskOperations * seen, bytes};
  return {stored ? all : kMaskOperations * seen + 2 * all, bytes};  // mask of dP; of P, too, where that is not stored
}

Bytes attention_scratch(const LayerContext& context, Pass pass) {
  const auto s = context.output.dims[0];
  const bool made_again = drops(context.attributes) && !stores(context.attributes);
  if (pass == Pass::weight_gradient || (pass == Pass::forward && !made_again)) return {};
  return float_bytes(s) * s + (made_again ? Bytes{s} * s : Bytes{});
}

}  // namespace tandem
