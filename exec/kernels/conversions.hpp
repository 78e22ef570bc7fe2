#pragma once
// Kernels of the conversions between layouts (plan/conversions.hpp), which are layers of a rank's own model only.

#include "exec/kernel.hpp"

namespace tandem {

/// Sorted by kind.
std::span<const KernelRow<float>> conversion_kernels();

}  // namespace tandem
