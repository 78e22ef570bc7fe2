// relu, reference: y = max(x, 0); backward passes the gradient where y > 0.

#include "exec/kernels/arguments.hpp"

namespace tandem {

namespace {

template <class Real>
void forward(const KernelArguments<Real>& arguments) {
  const Real* const x = real_input(arguments);
  for (std::int64_t at = 0; at < input_elements(arguments); ++at) arguments.output[at] = x[at] < 0 ? 0 : x[at];
}

template <class Real>
void input_gradient(const KernelArguments<Real>& arguments) {
  Real* const dx = first_gradient(arguments);
  for (std::int64_t at = 0; at < input_elements(arguments); ++at) {
    const Real passed = arguments.output[at] > 0 ? arguments.output_gradient[at] : 0;
    put(dx[at], arguments.accumulate[0], passed);
  }
}

}  // namespace

template <class Real>
KernelRow<Real> relu_reference() {
  return {"relu", forward<Real>, input_gradient<Real>, nullptr};
}

template KernelRow<float> relu_reference<float>();
template KernelRow<double> relu_reference<double>();

}  // namespace tandem
