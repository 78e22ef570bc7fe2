// gelu, reference: y = x/2 (1 + tanh(u)), u = c (x + 0.044715 x^3), c = sqrt(2/pi).

#include <cmath>
#include <numbers>

#include "exec/kernels/arguments.hpp"

namespace tandem {

namespace {

constexpr double kCubic = 0.044715;

template <class Real>
Real scale() {
  return static_cast<Real>(std::sqrt(2 * std::numbers::inv_pi));
}

template <class Real>
Real gelu_at(Real x) {
  const Real u = scale<Real>() * (x + static_cast<Real>(kCubic) * x * x * x);
  return x / 2 * (1 + std::tanh(u));
}

template <class Real>
Real slope_at(Real x) {
  const auto cubic = static_cast<Real>(kCubic);
  const Real t = std::tanh(scale<Real>() * (x + cubic * x * x * x));
  const Real inner = scale<Real>() * (1 + 3 * cubic * x * x);
  return (1 + t) / 2 + x / 2 * (1 - t * t) * inner;
}

template <class Real>
void forward(const KernelArguments<Real>& arguments) {
  const Real* const x = real_input(arguments);
  for (std::int64_t at = 0; at < input_elements(arguments); ++at) arguments.output[at] = gelu_at(x[at]);
}

template <class Real>
void input_gradient(const KernelArguments<Real>& arguments) {
  const Real* const x = real_input(arguments);
  Real* const dx = first_gradient(arguments);
  for (std::int64_t at = 0; at < input_elements(arguments); ++at) {
    put(dx[at], arguments.accumulate[0], arguments.output_gradient[at] * slope_at(x[at]));
  }
}

}  // namespace

template <class Real>
KernelRow<Real> gelu_reference() {
  return {"gelu", forward<Real>, input_gradient<Real>, nullptr};
}

template KernelRow<float> gelu_reference<float>();
template KernelRow<double> gelu_reference<double>();

}  // namespace tandem
