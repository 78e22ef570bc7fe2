#pragma once
// Dropout of attention's probabilities, for both attentions: what it keeps beside them, and what it costs.

#include "models/layers/parts.hpp"

namespace tandem {

constexpr AttributeSpec attention_dropout_rate() {
  return {.name = "dropout",
          .fallback = 0,
          .low = 0,
          .high = 0.999,
          .meaning = "of a probability to be dropped",
          .whole = false,
          .in_signature = true};
}

constexpr AttributeSpec attention_stores_mask() {
  return {.name = "stores_mask",
          .fallback = 0,
          .low = 0,
          .high = 1,
          .meaning = "1: backward reads the mask, a byte a probability, and the dropped probabilities; 0: makes them again",
          .in_signature = true};
}

/// What F keeps: the probabilities; then, where it stores the mask, that and the probabilities behind it (2205.05198).
std::vector<TensorSpec> kept_probabilities(const Attributes& attributes, const TensorSpec& probabilities);

/// Beside products and softmax. `seen`: probabilities that no causal mask hides, of `all`.
struct AttentionDropoutWork {
  std::int64_t operations = 0;
  Bytes stored{};  ///< written by F, read by I
};
AttentionDropoutWork attention_dropout_work(const LayerContext& context, const TensorSpec& probabilities, Pass pass,
                                            std::int64_t seen, std::int64_t all);

/// Of one head of one sample at a time: I's gradient of the scores; where masks are made again, in F and I the dropped
/// probabilities (in I in the place of that gradient, which comes later) and the mask, a byte each.
Bytes attention_scratch(const LayerContext& context, Pass pass);

}  // namespace tandem
