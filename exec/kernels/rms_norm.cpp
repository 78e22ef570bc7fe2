// rms_norm, fast: y = x rrms weight per row; keeps rrms = 1 / sqrt(mean(x^2) + epsilon).

#include <cmath>

#include "exec/kernels/arguments.hpp"
#include "exec/kernels/arrays.hpp"

namespace tandem {

namespace {

using Arguments = KernelArguments<float>;

/// Calls `body(number of the row, its first element)` for every row.
template <class Body>
void for_each_row(const Arguments& arguments, Body body) {
  const auto rows = arguments.input_specs[0].rows(arguments.batch), columns = arguments.input_specs[0].columns();
  for (std::int64_t row = 0; row < rows; ++row) body(row, row * columns);
}

void forward(const Arguments& arguments) {
  const auto columns = arguments.input_specs[0].columns();
  const auto epsilon = static_cast<float>(arguments.attributes->number("epsilon"));
  const ConstValues weight(arguments.parameters[0], columns);
  for_each_row(arguments, [&](std::int64_t row, std::int64_t at) {
    const ConstRow x(real_input(arguments) + at, columns);
    const float rrms = 1 / std::sqrt(x.square().sum() / static_cast<float>(columns) + epsilon);
    Row(arguments.output + at, columns) = x * rrms * weight;
    arguments.extra[0][row] = rrms;
  });
}

/// With g = dy weight: dx = rrms (g - x rrms^2 mean(g x)).
void input_gradient(const Arguments& arguments) {
  const auto columns = arguments.input_specs[0].columns();
  const ConstValues weight(arguments.parameters[0], columns);
  float* const gradient = first_gradient(arguments);
  for_each_row(arguments, [&](std::int64_t row, std::int64_t at) {
    const ConstRow x(real_input(arguments) + at, columns), dy(arguments.output_gradient + at, columns);
    const float rrms = arguments.extra[0][row];
    const float slope = (dy * weight * x).sum() / static_cast<float>(columns) * rrms * rrms;
    Row dx(gradient + at, columns);
    store(dx, arguments.accumulate[0], rrms * (dy * weight - slope * x));
  });
}

void weight_gradient(const Arguments& arguments) {
  const auto columns = arguments.input_specs[0].columns();
  Values dweight(arguments.parameter_gradients[0], columns);
  for_each_row(arguments, [&](std::int64_t row, std::int64_t at) {
    const ConstRow x(real_input(arguments) + at, columns), dy(arguments.output_gradient + at, columns);
    dweight += dy * x * arguments.extra[0][row];
  });
}

}  // namespace

KernelRow<float> rms_norm_kernels() { return {"rms_norm", forward, input_gradient, weight_gradient}; }

}  // namespace tandem
