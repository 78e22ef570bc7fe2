// relu, reference: y = max(x, 0); backward passes the gradient where y > 0.

#include <cmath>
#include <limits>

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

/// A value of zero is one that no rounding has touched.
template <class Real>
std::int64_t turn(const KernelArguments<Real>& arguments, Real margin) {
  const Real* const x = real_input(arguments);
  std::int64_t turned = 0;
  for (std::int64_t at = 0; at < input_elements(arguments); ++at) {
    if (x[at] == 0 || std::abs(x[at]) > margin) continue;
    arguments.output[at] = x[at] > 0 ? 0 : std::numeric_limits<Real>::min();
    ++turned;
  }
  return turned;
}

}  // namespace

template <class Real>
KernelRow<Real> relu_reference() {
  return {"relu", forward<Real>, input_gradient<Real>, nullptr, turn<Real>};
}

template KernelRow<float> relu_reference<float>();
template KernelRow<double> relu_reference<double>();

}  // namespace tandem
