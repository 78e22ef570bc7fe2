#include "exec/kernels/product.hpp"

#include <cblas.h>

#include <algorithm>
#include <limits>

#include "base/error.hpp"

namespace tandem {

namespace {

CBLAS_TRANSPOSE order_of(const Factor& factor) { return factor.transposed ? CblasTrans : CblasNoTrans; }

blasint narrow(std::int64_t size) { return static_cast<blasint>(size); }

}  // namespace

void use_one_blas_thread() { openblas_set_num_threads(1); }

void multiply(std::int64_t m, std::int64_t n, std::int64_t k, Factor a, Factor b, ProductResult result, float scale) {
  const std::int64_t largest = std::max({m, n, k, a.stride, b.stride, result.stride});
  invariant(largest <= std::numeric_limits<blasint>::max(), "sizes of a product fit the integers of BLAS");
  cblas_sgemm(CblasRowMajor, order_of(a), order_of(b), narrow(m), narrow(n), narrow(k), scale, a.values,
              narrow(a.stride), b.values, narrow(b.stride), result.accumulate ? 1.0F : 0.0F, result.values,
              narrow(result.stride));
}

}  // namespace tandem
