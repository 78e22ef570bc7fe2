#pragma once
// One head of one sample: the softmax over its square of scores and the gradient through it, for both attentions.

#include <cstdint>

#include "exec/kernels/softmax.hpp"

namespace tandem {

/// The softmax of every row of `scores` [size, size], in place; causal: of the row's first values, zeros behind them.
inline void softmax_rows(float* scores, std::int64_t size, bool causal) {
  for (std::int64_t row = 0; row < size; ++row) {
    softmax(scores + row * size, causal ? row + 1 : size, size, scores + row * size);
  }
}

/// dS = scale P (dP - rowsum(P dP)), in place of dP.
inline void softmax_gradient(const float* probabilities, float* gradient, std::int64_t size, float scale) {
  for (std::int64_t at = 0; at < size * size; at += size) {
    const ConstRow p(probabilities + at, size);
    Row row(gradient + at, size);
    const float expected = (p * row).sum();
    row = scale * p * (row - expected);
  }
}

}  // namespace tandem
