#pragma once
// A convolution's bias: which rank adds it, and its gradient.

#include "exec/kernels/arguments.hpp"
#include "exec/kernels/arrays.hpp"
#include "models/layers/convolution.hpp"

namespace tandem {

/// The bias that forward adds; null where there is none. Where input channels are split, every rank has a summand of the
/// output, and the one that holds the first channels adds the bias.
template <class Real>
const Real* bias_to_add(const KernelArguments<Real>& arguments) {
  if (arguments.parameters.size() < 2) return nullptr;
  const bool is_part = arguments.origins != nullptr && !arguments.origins->parameters.empty();
  if (is_part && arguments.origins->parameters[0].size() > 1 && arguments.origins->parameters[0][1] != 0) return nullptr;
  return arguments.parameters[1];
}

inline void add_bias_gradient(const Convolution& sizes, const float* dy, float* gradient) {
  const auto channels = sizes.groups * sizes.out;
  for (std::int64_t row = 0; row < sizes.samples * channels; ++row) {
    gradient[row % channels] += ConstRow(dy + row * sizes.positions(), sizes.positions()).sum();
  }
}

}  // namespace tandem
