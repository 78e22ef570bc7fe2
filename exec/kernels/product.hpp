#pragma once
// The one door to BLAS: single-precision matrix products, on the calling thread alone.

#include <cstdint>

namespace tandem {

/// Call once before threads start: products then run on the thread that asks for them, and give the same bits on each.
void use_one_blas_thread();

/// A row-major matrix, read as it lies or transposed. `stride` counts values from one row in memory to the next.
struct Factor {
  const float* values;
  std::int64_t stride;
  bool transposed = false;
};

inline Factor transposed(const float* values, std::int64_t stride) { return {values, stride, true}; }

struct ProductResult {
  float* values;
  std::int64_t stride;
  bool accumulate = false;  ///< add to what is there instead of overwriting it
};

/// result (+)= scale * a b, with a of m x k and b of k x n as read.
void multiply(std::int64_t m, std::int64_t n, std::int64_t k, Factor a, Factor b, ProductResult result,
              float scale = 1);

}  // namespace tandem
