// rms_norm, reference: y = x rrms weight per row; keeps rrms = 1 / sqrt(mean(x^2) + epsilon).

#include <cmath>

#include "exec/kernels/arguments.hpp"

namespace tandem {

namespace {

template <class Real>
void forward(const KernelArguments<Real>& arguments) {
  const auto rows = arguments.input_specs[0].rows(arguments.batch), columns = arguments.input_specs[0].columns();
  const auto epsilon = static_cast<Real>(arguments.attributes->number("epsilon"));
  for (std::int64_t row = 0; row < rows; ++row) {
    const Real* const x = real_input(arguments) + row * columns;
    Real squares = 0;
    for (std::int64_t at = 0; at < columns; ++at) squares += x[at] * x[at];
    const Real rrms = 1 / std::sqrt(squares / static_cast<Real>(columns) + epsilon);
    arguments.extra[0][row] = rrms;
    for (std::int64_t at = 0; at < columns; ++at) {
      arguments.output[row * columns + at] = x[at] * rrms * arguments.parameters[0][at];
    }
  }
}

/// With g = dy weight and n = x rrms: dx = rrms (g - n mean(g n)).
template <class Real>
void input_gradient(const KernelArguments<Real>& arguments) {
  const auto rows = arguments.input_specs[0].rows(arguments.batch), columns = arguments.input_specs[0].columns();
  for (std::int64_t row = 0; row < rows; ++row) {
    const auto begin = row * columns;
    const Real rrms = arguments.extra[0][row];
    const auto g = [&](std::int64_t at) { return arguments.output_gradient[begin + at] * arguments.parameters[0][at]; };
    const auto n = [&](std::int64_t at) { return real_input(arguments)[begin + at] * rrms; };
    Real mean = 0;
    for (std::int64_t at = 0; at < columns; ++at) mean += g(at) * n(at) / static_cast<Real>(columns);
    for (std::int64_t at = 0; at < columns; ++at) {
      put(first_gradient(arguments)[begin + at], arguments.accumulate[0], rrms * (g(at) - n(at) * mean));
    }
  }
}

template <class Real>
void weight_gradient(const KernelArguments<Real>& arguments) {
  const auto columns = arguments.input_specs[0].columns();
  for (std::int64_t at = 0; at < input_elements(arguments); ++at) {
    arguments.parameter_gradients[0][at % columns] +=
        arguments.output_gradient[at] * real_input(arguments)[at] * arguments.extra[0][at / columns];
  }
}

}  // namespace

template <class Real>
KernelRow<Real> rms_norm_reference() {
  return {"rms_norm", forward<Real>, input_gradient<Real>, weight_gradient<Real>};
}

template KernelRow<float> rms_norm_reference<float>();
template KernelRow<double> rms_norm_reference<double>();

}  // namespace tandem
