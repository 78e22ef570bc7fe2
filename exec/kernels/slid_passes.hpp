#pragma once
// The passes of a convolution of few filters, sample by sample (sliding_convolution.hpp).

#include "exec/kernel.hpp"
#include "models/layers/convolution.hpp"

namespace tandem {

void slid_forward(const Convolution& sizes, const KernelArguments<float>& arguments);
void slid_input_gradient(const Convolution& sizes, const KernelArguments<float>& arguments);
void slid_weight_gradient(const Convolution& sizes, const KernelArguments<float>& arguments);

}  // namespace tandem
