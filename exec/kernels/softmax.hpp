#pragma once
// Softmax of one row, shared by attention and the cross entropy.

#include <algorithm>

#include "exec/kernels/arrays.hpp"

namespace tandem {

struct SoftmaxTerms {
  float largest, sum;  ///< sum = sum of exp(score - largest)
};

/// Writes the softmax of the first `seen` scores to `row`, which may be `scores` itself, and zeros behind them. Whole
/// vectors are evaluated, because the scalar exponential is many times slower than masking what it need not compute.
inline SoftmaxTerms softmax(const float* scores, std::int64_t seen, std::int64_t columns, float* row) {
  constexpr std::int64_t kVector = 16;
  const auto width = std::min((seen + kVector - 1) / kVector * kVector, columns);
  const float largest = ConstRow(scores, seen).maxCoeff();
  Row terms(row, width);
  terms = (ConstRow(scores, width) - largest).exp();
  std::fill(row + seen, row + columns, 0.0F);
  const float sum = terms.sum();
  terms *= 1 / sum;
  return {largest, sum};
}

}  // namespace tandem
