// linear, reference: y = x W^T + b.

#include "exec/kernels/arguments.hpp"
#include "exec/kernels/reference_matrix.hpp"

namespace tandem {

namespace {

template <class Real>
struct Matrices {
  explicit Matrices(const KernelArguments<Real>& arguments)
      : rows(arguments.output_spec->rows(arguments.batch)),
        in(arguments.input_specs[0].columns()),
        out(arguments.output_spec->columns()) {}
  auto of_inputs(auto* values) const { return matrix(values, rows, in, in); }
  auto of_outputs(auto* values) const { return matrix(values, rows, out, out); }
  auto of_weights(auto* values) const { return matrix(values, out, in, in); }
  auto of_biases(auto* values) const { return matrix(values, 1, out, out); }
  std::int64_t rows, in, out;
};

/// Whether the output has the bias in it: a summand does for the first columns of the weight only.
template <class Real>
bool adds_bias(const KernelArguments<Real>& arguments) {
  if (arguments.parameters.size() < 2) return false;
  return arguments.origins == nullptr || origin(arguments.origins->parameters, 0, 1) == 0;
}

template <class Real>
void forward(const KernelArguments<Real>& arguments) {
  const Matrices<Real> sizes(arguments);
  auto y = sizes.of_outputs(arguments.output);
  put_matrix(y, false, sizes.of_inputs(real_input(arguments)) * sizes.of_weights(arguments.parameters[0]).transpose());
  if (adds_bias(arguments)) y.rowwise() += sizes.of_biases(arguments.parameters[1]).row(0);
}

template <class Real>
void input_gradient(const KernelArguments<Real>& arguments) {
  const Matrices<Real> sizes(arguments);
  put_matrix(sizes.of_inputs(first_gradient(arguments)), arguments.accumulate[0],
             sizes.of_outputs(arguments.output_gradient) * sizes.of_weights(arguments.parameters[0]));
}

template <class Real>
void weight_gradient(const KernelArguments<Real>& arguments) {
  const Matrices<Real> sizes(arguments);
  const auto dy = sizes.of_outputs(arguments.output_gradient);
  put_matrix(sizes.of_weights(arguments.parameter_gradients[0]), true,
             dy.transpose() * sizes.of_inputs(real_input(arguments)));
  if (arguments.parameter_gradients.size() < 2) return;
  auto dbias = sizes.of_biases(arguments.parameter_gradients[1]);
  for (std::int64_t row = 0; row < sizes.rows; ++row) dbias.row(0) += dy.row(row);
}

}  // namespace

template <class Real>
KernelRow<Real> linear_reference() {
  return {"linear", forward<Real>, input_gradient<Real>, weight_gradient<Real>};
}

template KernelRow<float> linear_reference<float>();
template KernelRow<double> linear_reference<double>();

}  // namespace tandem
