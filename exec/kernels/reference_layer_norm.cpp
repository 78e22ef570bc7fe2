// layer_norm, reference: y = (x - mean) rstd weight + bias per row; keeps mean and rstd = 1 / sqrt(variance + epsilon).

#include <cmath>

#include "exec/kernels/arguments.hpp"

namespace tandem {

namespace {

template <class Real>
Real mean_of(const Real* x, std::int64_t count) {
  Real sum = 0;
  for (std::int64_t at = 0; at < count; ++at) sum += x[at];
  return sum / static_cast<Real>(count);
}

template <class Real>
Real variance_of(const Real* x, std::int64_t count, Real mean) {
  Real sum = 0;
  for (std::int64_t at = 0; at < count; ++at) sum += (x[at] - mean) * (x[at] - mean);
  return sum / static_cast<Real>(count);
}

template <class Real>
void forward(const KernelArguments<Real>& arguments) {
  const auto rows = arguments.input_specs[0].rows(arguments.batch), columns = arguments.input_specs[0].columns();
  const auto epsilon = static_cast<Real>(arguments.attributes->number("epsilon"));
  for (std::int64_t row = 0; row < rows; ++row) {
    const Real* const x = real_input(arguments) + row * columns;
    const Real mean = mean_of(x, columns);
    const Real rstd = 1 / std::sqrt(variance_of(x, columns, mean) + epsilon);
    arguments.extra[0][2 * row] = mean;
    arguments.extra[0][2 * row + 1] = rstd;
    for (std::int64_t at = 0; at < columns; ++at) {
      arguments.output[row * columns + at] =
          (x[at] - mean) * rstd * arguments.parameters[0][at] + arguments.parameters[1][at];
    }
  }
}

/// Of one row, with g = dy weight and n = (x - mean) rstd: dx = rstd (g - mean(g) - n mean(g n)).
template <class Real>
void row_gradient(const KernelArguments<Real>& arguments, std::int64_t row) {
  const auto columns = arguments.input_specs[0].columns();
  const Real mean = arguments.extra[0][2 * row], rstd = arguments.extra[0][2 * row + 1];
  const Real* const x = real_input(arguments) + row * columns;
  const Real* const dy = arguments.output_gradient + row * columns;
  const auto g = [&](std::int64_t at) { return dy[at] * arguments.parameters[0][at]; };
  const auto n = [&](std::int64_t at) { return (x[at] - mean) * rstd; };
  Real mean_g = 0, mean_gn = 0;
  for (std::int64_t at = 0; at < columns; ++at) {
    mean_g += g(at) / static_cast<Real>(columns);
    mean_gn += g(at) * n(at) / static_cast<Real>(columns);
  }
  Real* const dx = first_gradient(arguments) + row * columns;
  for (std::int64_t at = 0; at < columns; ++at) {
    put(dx[at], arguments.accumulate[0], rstd * (g(at) - mean_g - n(at) * mean_gn));
  }
}

template <class Real>
void input_gradient(const KernelArguments<Real>& arguments) {
  for (std::int64_t row = 0; row < arguments.input_specs[0].rows(arguments.batch); ++row) row_gradient(arguments, row);
}

template <class Real>
void weight_gradient(const KernelArguments<Real>& arguments) {
  const auto rows = arguments.input_specs[0].rows(arguments.batch), columns = arguments.input_specs[0].columns();
  const Real* x = real_input(arguments);
  const Real* dy = arguments.output_gradient;
  for (std::int64_t row = 0; row < rows; ++row) {
    const Real mean = arguments.extra[0][2 * row], rstd = arguments.extra[0][2 * row + 1];
    for (std::int64_t at = 0; at < columns; ++at, ++x, ++dy) {
      arguments.parameter_gradients[0][at] += *dy * (*x - mean) * rstd;
      arguments.parameter_gradients[1][at] += *dy;
    }
  }
}

}  // namespace

template <class Real>
KernelRow<Real> layer_norm_reference() {
  return {"layer_norm", forward<Real>, input_gradient<Real>, weight_gradient<Real>};
}

template KernelRow<float> layer_norm_reference<float>();
template KernelRow<double> layer_norm_reference<double>();

}  // namespace tandem
