#pragma once
// Which rank adds a convolution's bias.

#include "exec/kernels/arguments.hpp"

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

}  // namespace tandem
