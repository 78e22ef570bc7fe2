// swiglu, tanh and erf_gelu, reference.

#include <cmath>
#include <numbers>

#include "exec/kernels/arguments.hpp"

namespace tandem {

namespace {

template <class Real>
Real sigmoid(Real x) {
  return 1 / (1 + std::exp(-x));
}

template <class Real>
void swiglu_forward(const KernelArguments<Real>& arguments) {
  for (std::int64_t at = 0; at < input_elements(arguments); ++at) {
    const Real gate = real_input(arguments, 0)[at], up = real_input(arguments, 1)[at];
    arguments.output[at] = gate * sigmoid(gate) * up;
  }
}

template <class Real>
void swiglu_gradient(const KernelArguments<Real>& arguments) {
  for (std::int64_t at = 0; at < input_elements(arguments); ++at) {
    const Real gate = real_input(arguments, 0)[at], up = real_input(arguments, 1)[at], s = sigmoid(gate);
    const Real dy = arguments.output_gradient[at];
    put(arguments.input_gradients[0][at], arguments.accumulate[0], dy * up * (s + gate * s * (1 - s)));
    put(arguments.input_gradients[1][at], arguments.accumulate[1], dy * gate * s);
  }
}

template <class Real>
void tanh_forward(const KernelArguments<Real>& arguments) {
  for (std::int64_t at = 0; at < input_elements(arguments); ++at) {
    arguments.output[at] = std::tanh(real_input(arguments)[at]);
  }
}

template <class Real>
void tanh_gradient(const KernelArguments<Real>& arguments) {
  for (std::int64_t at = 0; at < input_elements(arguments); ++at) {
    const Real y = arguments.output[at];
    put(first_gradient(arguments)[at], arguments.accumulate[0], arguments.output_gradient[at] * (1 - y * y));
  }
}

/// The normal distribution's share below x.
template <class Real>
Real share_below(Real x) {
  return (1 + std::erf(x / std::numbers::sqrt2_v<Real>)) / 2;
}

template <class Real>
void erf_gelu_forward(const KernelArguments<Real>& arguments) {
  for (std::int64_t at = 0; at < input_elements(arguments); ++at) {
    const Real x = real_input(arguments)[at];
    arguments.output[at] = x * share_below(x);
  }
}

template <class Real>
void erf_gelu_gradient(const KernelArguments<Real>& arguments) {
  for (std::int64_t at = 0; at < input_elements(arguments); ++at) {
    const Real x = real_input(arguments)[at];
    const Real density = std::exp(-x * x / 2) * std::numbers::inv_sqrtpi_v<Real> / std::numbers::sqrt2_v<Real>;
    put(first_gradient(arguments)[at], arguments.accumulate[0],
        arguments.output_gradient[at] * (share_below(x) + x * density));
  }
}

}  // namespace

template <class Real>
KernelRow<Real> swiglu_reference() {
  return {"swiglu", swiglu_forward<Real>, swiglu_gradient<Real>, nullptr};
}

template <class Real>
KernelRow<Real> tanh_reference() {
  return {"tanh", tanh_forward<Real>, tanh_gradient<Real>, nullptr};
}

template <class Real>
KernelRow<Real> erf_gelu_reference() {
  return {"erf_gelu", erf_gelu_forward<Real>, erf_gelu_gradient<Real>, nullptr};
}

template KernelRow<float> swiglu_reference<float>();
template KernelRow<double> swiglu_reference<double>();
template KernelRow<float> tanh_reference<float>();
template KernelRow<double> tanh_reference<double>();
template KernelRow<float> erf_gelu_reference<float>();
template KernelRow<double> erf_gelu_reference<double>();

}  // namespace tandem
