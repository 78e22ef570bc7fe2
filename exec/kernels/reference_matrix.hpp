#pragma once
// Eigen's own matrix products for the references, so that they share nothing with the BLAS of the fast kernels.

#include <Eigen/Core>

#include <cstdint>

namespace tandem {

template <class Real>
using RowMajor = Eigen::Matrix<Real, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

template <class Real>
using MatrixView = Eigen::Map<RowMajor<Real>, Eigen::Unaligned, Eigen::OuterStride<>>;
template <class Real>
using ConstMatrixView = Eigen::Map<const RowMajor<Real>, Eigen::Unaligned, Eigen::OuterStride<>>;

template <class Real>
MatrixView<Real> matrix(Real* values, std::int64_t rows, std::int64_t columns, std::int64_t stride) {
  return {values, rows, columns, Eigen::OuterStride<>(stride)};
}
template <class Real>
ConstMatrixView<Real> matrix(const Real* values, std::int64_t rows, std::int64_t columns, std::int64_t stride) {
  return {values, rows, columns, Eigen::OuterStride<>(stride)};
}

/// `target = value`, or `target += value`; nothing in `value` may be part of `target`.
template <class Target, class Expression>
void put_matrix(Target target, bool accumulate, const Expression& value) {
  if (!accumulate) target.setZero();
  target.noalias() += value;
}

}  // namespace tandem
