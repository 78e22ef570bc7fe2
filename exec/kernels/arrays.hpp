#pragma once
// Eigen's view of the tensors of the fast kernels. For kernel sources only: this header costs compile time.

#include <Eigen/Core>

#include <cstdint>

namespace tandem {

/// A whole tensor, which starts at a multiple of 64 bytes.
using Values = Eigen::Map<Eigen::ArrayXf, Eigen::Aligned32>;
using ConstValues = Eigen::Map<const Eigen::ArrayXf, Eigen::Aligned32>;

/// A row of a tensor, which starts anywhere.
using Row = Eigen::Map<Eigen::ArrayXf>;
using ConstRow = Eigen::Map<const Eigen::ArrayXf>;

/// `target = value`, or `target += value`, in one pass. `value` is an unevaluated expression.
template <class Target, class Expression>
void store(Target& target, bool accumulate, const Expression& value) {
  if (accumulate) {
    target += value;
  } else {
    target = value;
  }
}

}  // namespace tandem
