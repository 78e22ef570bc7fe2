// layer_norm, fast: y = (x - mean) rstd weight + bias per row; keeps mean and rstd = 1 / sqrt(variance + epsilon).

#include <cmath>

#include "exec/kernels/arguments.hpp"
#include "exec/kernels/arrays.hpp"

namespace tandem {

namespace {

using Arguments = KernelArguments<float>;

struct Statistics {
  float mean, rstd;
};

/// Calls `body(first element of the row, its statistics)` for every row.
template <class Body>
void for_each_row(const Arguments& arguments, Body body) {
  const auto rows = arguments.input_specs[0].rows(arguments.batch), columns = arguments.input_specs[0].columns();
  const float* const kept = arguments.extra[0];
  for (std::int64_t row = 0; row < rows; ++row) {
    body(row * columns, Statistics{kept[2 * row], kept[2 * row + 1]});
  }
}

Statistics statistics_of(const ConstRow& x, float epsilon) {
  const auto count = static_cast<float>(x.size());
  const float mean = x.sum() / count;
  const float variance = (x - mean).square().sum() / count;
  return {mean, 1 / std::sqrt(variance + epsilon)};
}

void forward(const Arguments& arguments) {
  const auto columns = arguments.input_specs[0].columns();
  const auto epsilon = static_cast<float>(arguments.attributes->number("epsilon"));
  const ConstValues weight(arguments.parameters[0], columns), bias(arguments.parameters[1], columns);
  float* kept = arguments.extra[0];
  for_each_row(arguments, [&](std::int64_t at, Statistics) {
    const ConstRow x(real_input(arguments) + at, columns);
    const auto [mean, rstd] = statistics_of(x, epsilon);
    Row(arguments.output + at, columns) = (x - mean) * rstd * weight + bias;
    *kept++ = mean;
    *kept++ = rstd;
  });
}

/// With g = dy weight and n = (x - mean) rstd: dx = rstd (g - mean(g) - n mean(g n)).
void input_gradient(const Arguments& arguments) {
  const auto columns = arguments.input_specs[0].columns();
  const auto count = static_cast<float>(columns);
  const ConstValues weight(arguments.parameters[0], columns);
  float* const gradient = first_gradient(arguments);
  for_each_row(arguments, [&](std::int64_t at, Statistics row) {
    const ConstRow x(real_input(arguments) + at, columns), dy(arguments.output_gradient + at, columns);
    const float mean_g = (dy * weight).sum() / count;
    const float slope = (dy * weight * (x - row.mean)).sum() / count * row.rstd * row.rstd;
    Row dx(gradient + at, columns);
    store(dx, arguments.accumulate[0], row.rstd * (dy * weight - mean_g - slope * (x - row.mean)));
  });
}

void weight_gradient(const Arguments& arguments) {
  const auto columns = arguments.input_specs[0].columns();
  Values dweight(arguments.parameter_gradients[0], columns), dbias(arguments.parameter_gradients[1], columns);
  for_each_row(arguments, [&](std::int64_t at, Statistics row) {
    const ConstRow x(real_input(arguments) + at, columns), dy(arguments.output_gradient + at, columns);
    dweight += dy * ((x - row.mean) * row.rstd);
    dbias += dy;
  });
}

}  // namespace

KernelRow<float> layer_norm_kernels() { return {"layer_norm", forward, input_gradient, weight_gradient}; }

}  // namespace tandem
