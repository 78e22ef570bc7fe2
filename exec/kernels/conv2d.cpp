// conv2d, fast: matrix products over panels of columns (models/layers/convolution.hpp).

#include <algorithm>

#include "exec/kernels/arguments.hpp"
#include "exec/kernels/arrays.hpp"
#include "exec/kernels/convolution_bias.hpp"
#include "exec/kernels/convolution_panel.hpp"
#include "exec/kernels/product.hpp"

namespace tandem {

namespace {

using Arguments = KernelArguments<float>;

Convolution sizes_of(const Arguments& arguments) {
  return Convolution({*arguments.attributes, arguments.input_specs, *arguments.output_spec, arguments.batch});
}

struct Scratch {
  Scratch(const Convolution& sizes, void* memory)
      : images(static_cast<float*>(memory)), columns(images + sizes.images_size()), staged(columns + sizes.columns_size()) {}
  float *images, *columns, *staged;
};

/// A matrix in memory: its first value and the distance of its rows.
struct Matrix {
  float* values;
  std::int64_t stride;
};

/// The columns of the panel, taken from x as it lies where that is possible.
Factor columns_of_input(const Convolution& sizes, const Panel& panel, const float* x, const Scratch& scratch) {
  const float* const input = x + input_offset(sizes, panel);
  if (sizes.is_direct()) return {input + panel.rows.first * sizes.width + panel.columns.first, sizes.positions()};
  pad_images(sizes, panel, input, scratch.images);
  gather_columns(sizes, panel, scratch.images, scratch.columns);
  return {scratch.columns, windows_of(panel)};
}

/// Of a narrow panel of one sample: behind its columns, which take less than their room.
float* results_of(const Convolution& sizes, const Panel& panel, const Scratch& scratch) {
  return sizes.is_staged() ? scratch.staged : scratch.columns + Convolution::with_slack(sizes.depth() * windows_of(panel));
}

Factor output_gradient_of(const Convolution& sizes, const Panel& panel, const float* dy, const Scratch& scratch) {
  const float* const gradient = dy + output_offset(sizes, panel);
  if (!sizes.is_staged()) return {gradient, sizes.positions()};
  gather_outputs(sizes, panel, gradient, scratch.staged);
  return {scratch.staged, windows_of(panel)};
}

/// Products add to an output that holds the bias already.
void start_with_bias(const Convolution& sizes, const Panel& panel, const float* bias, float* y) {
  for (std::int64_t channel = 0; channel < sizes.out; ++channel) {
    std::fill_n(y + channel * sizes.positions(), windows_of(panel), bias[channel]);
  }
}

void forward(const Arguments& arguments) {
  const auto sizes = sizes_of(arguments);
  const Scratch scratch(sizes, arguments.scratch);
  const float* const all_biases = bias_to_add(arguments);
  for_each_panel(sizes, output_rectangle(arguments), [&](const Panel& panel) {
    const auto columns = windows_of(panel);
    const float* const weight = arguments.parameters[0] + panel.group * sizes.out * sizes.depth();
    const float* const bias = all_biases == nullptr ? nullptr : all_biases + panel.group * sizes.out;
    const bool staged = is_staged(sizes, panel), starts = !staged && bias != nullptr;
    float* const y = arguments.output + output_offset(sizes, panel);
    const Matrix result = staged ? Matrix{results_of(sizes, panel, scratch), columns} : Matrix{y, sizes.positions()};
    if (starts) start_with_bias(sizes, panel, bias, y);
    multiply(sizes.out, columns, sizes.depth(), {weight, sizes.depth()},
             columns_of_input(sizes, panel, real_input(arguments), scratch), {result.values, result.stride, starts});
    if (staged) scatter_outputs(sizes, panel, result.values, bias, y);
  });
}

void input_gradient(const Arguments& arguments) {
  const auto sizes = sizes_of(arguments);
  const Scratch scratch(sizes, arguments.scratch);
  for_each_panel(sizes, [&](const Panel& panel) {
    const auto columns = windows_of(panel);
    const float* const weight = arguments.parameters[0] + panel.group * sizes.out * sizes.depth();
    float* const dx = first_gradient(arguments) + input_offset(sizes, panel);
    const Matrix result = sizes.is_direct() ? Matrix{dx, sizes.positions()} : Matrix{scratch.columns, columns};
    multiply(sizes.depth(), columns, sizes.out, transposed(weight, sizes.depth()),
             output_gradient_of(sizes, panel, arguments.output_gradient, scratch),
             {result.values, result.stride, sizes.is_direct() && arguments.accumulate[0]});
    if (sizes.is_direct()) return;
    if (panel.rows.first == 0) std::fill_n(scratch.images, sizes.images_size(), 0.0F);
    scatter_columns(sizes, panel, scratch.columns, scratch.images);
    const bool is_last = panel.rows.end() == sizes.out_height;
    if (is_last) unpad_images(sizes, panel, scratch.images, arguments.accumulate[0], dx);
  });
}

void add_bias_gradient(const Convolution& sizes, const float* dy, float* gradient) {
  const auto channels = sizes.groups * sizes.out;
  for (std::int64_t row = 0; row < sizes.samples * channels; ++row) {
    gradient[row % channels] += ConstRow(dy + row * sizes.positions(), sizes.positions()).sum();
  }
}

void weight_gradient(const Arguments& arguments) {
  const auto sizes = sizes_of(arguments);
  const Scratch scratch(sizes, arguments.scratch);
  for_each_panel(sizes, [&](const Panel& panel) {
    const auto columns = columns_of_input(sizes, panel, real_input(arguments), scratch);
    float* const gradient = arguments.parameter_gradients[0] + panel.group * sizes.out * sizes.depth();
    multiply(sizes.out, sizes.depth(), windows_of(panel),
             output_gradient_of(sizes, panel, arguments.output_gradient, scratch),
             transposed(columns.values, columns.stride), {gradient, sizes.depth(), true});
  });
  if (arguments.parameter_gradients.size() > 1) {
    add_bias_gradient(sizes, arguments.output_gradient, arguments.parameter_gradients[1]);
  }
}

}  // namespace

KernelRow<float> conv2d_kernels() { return {"conv2d", forward, input_gradient, weight_gradient}; }

}  // namespace tandem
