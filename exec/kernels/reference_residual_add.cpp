// residual_add, reference: y = a + b; backward hands the gradient to both.

#include "exec/kernels/arguments.hpp"

namespace tandem {

namespace {

template <class Real>
void forward(const KernelArguments<Real>& arguments) {
  for (std::int64_t at = 0; at < input_elements(arguments); ++at) {
    arguments.output[at] = real_input(arguments, 0)[at] + real_input(arguments, 1)[at];
  }
}

template <class Real>
void input_gradient(const KernelArguments<Real>& arguments) {
  for (std::size_t input = 0; input < arguments.input_gradients.size(); ++input) {
    Real* const gradient = arguments.input_gradients[input];
    if (gradient == nullptr) continue;
    for (std::int64_t at = 0; at < input_elements(arguments); ++at) {
      put(gradient[at], arguments.accumulate[input], arguments.output_gradient[at]);
    }
  }
}

}  // namespace

template <class Real>
KernelRow<Real> residual_add_reference() {
  return {"residual_add", forward<Real>, input_gradient<Real>, nullptr};
}

template KernelRow<float> residual_add_reference<float>();
template KernelRow<double> residual_add_reference<double>();

}  // namespace tandem
