// linear, fast: y = x W^T + b.

#include <algorithm>

#include "exec/kernels/arguments.hpp"
#include "exec/kernels/arrays.hpp"
#include "exec/kernels/product.hpp"

namespace tandem {

namespace {

using Arguments = KernelArguments<float>;

struct Sizes {
  explicit Sizes(const Arguments& arguments)
      : rows(arguments.output_spec->rows(arguments.batch)),
        in(arguments.input_specs[0].columns()),
        out(arguments.output_spec->columns()) {}
  std::int64_t rows, in, out;
};

void copy_to_rows(const float* bias, const Sizes& sizes, float* y) {
  for (std::int64_t row = 0; row < sizes.rows; ++row) std::copy_n(bias, sizes.out, y + row * sizes.out);
}

/// Of ranks whose outputs are summands of one sum, the one with the first columns of the weight adds the bias.
bool adds_bias(const Arguments& arguments) {
  const bool is_first = arguments.origins == nullptr || origin(arguments.origins->parameters, 0, 1) == 0;
  return arguments.parameters.size() > 1 && is_first;
}

/// The product adds to rows that hold the bias already: that costs no more than the zeros it would start from.
void forward(const Arguments& arguments) {
  const Sizes sizes(arguments);
  const bool biased = adds_bias(arguments);
  if (biased) copy_to_rows(arguments.parameters[1], sizes, arguments.output);
  multiply(sizes.rows, sizes.out, sizes.in, {real_input(arguments), sizes.in},
           transposed(arguments.parameters[0], sizes.in), {arguments.output, sizes.out, biased});
}

void input_gradient(const Arguments& arguments) {
  const Sizes sizes(arguments);
  multiply(sizes.rows, sizes.in, sizes.out, {arguments.output_gradient, sizes.out},
           {arguments.parameters[0], sizes.in}, {first_gradient(arguments), sizes.in, arguments.accumulate[0]});
}

/// Four rows at a time, so that the sums are loaded and stored a quarter as often.
void add_column_sums(const float* matrix, const Sizes& sizes, float* sums) {
  const auto row = [&](std::int64_t index) { return ConstRow(matrix + index * sizes.out, sizes.out); };
  Values total(sums, sizes.out);
  std::int64_t at = 0;
  for (; at + 4 <= sizes.rows; at += 4) total += (row(at) + row(at + 1)) + (row(at + 2) + row(at + 3));
  for (; at < sizes.rows; ++at) total += row(at);
}

void weight_gradient(const Arguments& arguments) {
  const Sizes sizes(arguments);
  multiply(sizes.out, sizes.in, sizes.rows, transposed(arguments.output_gradient, sizes.out),
           {real_input(arguments), sizes.in}, {arguments.parameter_gradients[0], sizes.in, true});
  if (arguments.parameter_gradients.size() > 1) {
    add_column_sums(arguments.output_gradient, sizes, arguments.parameter_gradients[1]);
  }
}

}  // namespace

KernelRow<float> linear_kernels() { return {"linear", forward, input_gradient, weight_gradient}; }

}  // namespace tandem
