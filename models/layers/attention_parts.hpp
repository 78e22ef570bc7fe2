#pragma once
// What both attentions share: causality and dropout, what they keep, and what they cost.

#include "models/layers/parts.hpp"

namespace tandem {

constexpr AttributeSpec attention_is_causal() {
  return {.name = "causal",
          .fallback = 1,
          .low = 0,
          .high = 1,
          .meaning = "1: a position sees itself and those before it",
          .in_signature = true};
}

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

/// F keeps the inputs and the probabilities; where it stores the mask, that and the probabilities behind it, too
/// (2205.05198).
Kept attention_kept(const Attributes& attributes, std::span<const TensorSpec> inputs, const TensorSpec& output);

/// Q, K and V are read, and their gradients written, in the inputs' own shapes.
Work attention_work(const LayerContext& context, Pass pass);

/// Of one head of one sample at a time: I's gradient of the scores; where masks are made again, in F and I the dropped
/// probabilities (in I in the place of that gradient, which comes later) and the mask, a byte each.
Bytes attention_scratch(const LayerContext& context, Pass pass);

}  // namespace tandem
