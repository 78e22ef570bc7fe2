#include "exec/kernels/slid_passes.hpp"

#include <algorithm>
#include <cstring>

#include "exec/kernels/arguments.hpp"
#include "exec/kernels/convolution_bias.hpp"
#include "exec/kernels/convolution_panel.hpp"
#include "exec/kernels/sliding_convolution.hpp"

namespace tandem {

namespace {

using Arguments = KernelArguments<float>;

/// Calls `act(sample, group)`, all samples of a group one after the other.
template <class Begin, class Act, class End>
void for_each_sample(const Convolution& sizes, Begin begin, Act act, End end) {
  for (std::int64_t group = 0; group < sizes.groups; ++group) {
    begin(group);
    for (std::int64_t sample = 0; sample < sizes.samples; ++sample) 
      act(Panel{group, sample, 1, {0, sizes.out_height}, {0, sizes.out_width}, false});
    end(group);
  }
}

struct Scratch {
  Scratch(const Convolution& sizes, Pass pass, void* memory)
      : image(static_cast<float*>(memory)), weights(image + sizes.slid_image_size(pass)) {
    std::fill_n(image, sizes.slid_image_size(pass), 0.0F);
  }
  float *image, *weights;
};

/// Copies rows of `width` values to rows that are `step` apart.
void copy_rows(const float* from, std::int64_t rows, std::int64_t width, float* to, std::int64_t step) {
  constexpr std::int64_t kLanes = Convolution::kLanes;
  for (std::int64_t row = 0; row < rows; ++row, from += width, to += step) {
    std::int64_t at = 0;
    for (; at + kLanes <= width; at += kLanes) std::memcpy(to + at, from + at, kLanes * sizeof(float));
    for (; at < width; ++at) to[at] = from[at];
  }
}

/// One sample's input between its zeros, which lie there already.
SlidImage padded(const Convolution& sizes, const Panel& panel, const float* x, float* image) {
  const auto rows = sizes.padded_height(), columns = sizes.padded_width(), plane_size = sizes.height * sizes.width;
  const auto inner = sizes.windows.height.before * columns + sizes.windows.width.before;
  for (std::int64_t plane = 0; plane < sizes.in; ++plane)
    copy_rows(x + input_offset(sizes, panel) + plane * plane_size, sizes.height, sizes.width,
              image + plane * rows * columns + inner, columns);
  return {image, sizes.in, rows, columns};
}

/// The gradients of one sample's outputs, between as many zeros as windows reach.
SlidImage padded_gradient(const Convolution& sizes, const Panel& panel, const float* dy, float* image) {
  const auto &down = sizes.windows.height, &right = sizes.windows.width;
  const auto rows = sizes.height + down.kernel - 1, columns = sizes.width + right.kernel - 1;
  const auto inner = (down.kernel - 1 - down.before) * columns + right.kernel - 1 - right.before;
  for (std::int64_t plane = 0; plane < sizes.out; ++plane)
    copy_rows(dy + output_offset(sizes, panel) + plane * sizes.positions(), sizes.out_height, sizes.out_width,
              image + plane * rows * columns + inner, columns);
  return {image, sizes.out, rows, columns};
}

}  // namespace

void slid_forward(const Convolution& sizes, const Arguments& arguments) {
  const Scratch scratch(sizes, Pass::forward, arguments.scratch);
  const OutputRectangle rectangle = output_rectangle(arguments);
  const float* const bias = bias_to_add(arguments);
  const auto taps = sizes.windows.taps();
  const auto pack = [&](std::int64_t group) {
    const float* const weights = arguments.parameters[0] + group * sizes.out * sizes.depth();
    pack_weights(sizes.out, sizes.in, taps, [&](std::int64_t out, std::int64_t in, std::int64_t tap) {
      return weights[(out * sizes.in + in) * taps + tap];
    }, scratch.weights);
  };
  for_each_sample(sizes, pack, [&](const Panel& panel) {
    slide(padded(sizes, panel, real_input(arguments), scratch.image), sizes.windows.height.kernel,
          sizes.windows.width.kernel, scratch.weights,
          {arguments.output + output_offset(sizes, panel), sizes.out, sizes.positions(), sizes.out_width, rectangle,
           bias == nullptr ? nullptr : bias + panel.group * sizes.out, false});
  }, [](std::int64_t) {});
}

/// The gradients' images under the weights turned round.
void slid_input_gradient(const Convolution& sizes, const Arguments& arguments) {
  const Scratch scratch(sizes, Pass::input_gradient, arguments.scratch);
  const auto taps = sizes.windows.taps();
  const auto pack = [&](std::int64_t group) {
    const float* const weights = arguments.parameters[0] + group * sizes.out * sizes.depth();
    pack_weights(sizes.in, sizes.out, taps, [&](std::int64_t in, std::int64_t out, std::int64_t tap) {
      return weights[(out * sizes.in + in) * taps + taps - 1 - tap];
    }, scratch.weights);
  };
  for_each_sample(sizes, pack, [&](const Panel& panel) {
    slide(padded_gradient(sizes, panel, arguments.output_gradient, scratch.image),
          sizes.windows.height.kernel, sizes.windows.width.kernel, scratch.weights,
          {first_gradient(arguments) + input_offset(sizes, panel), sizes.in, sizes.height * sizes.width, sizes.width,
           {{0, sizes.height}, {0, sizes.width}}, nullptr, arguments.accumulate[0]});
  }, [](std::int64_t) {});
}

void slid_weight_gradient(const Convolution& sizes, const Arguments& arguments) {
  const Scratch scratch(sizes, Pass::weight_gradient, arguments.scratch);
  const auto clear = [&](std::int64_t) {
    std::fill_n(scratch.weights, sizes.slid_weight_size(Pass::weight_gradient), 0.0F);
  };
  const auto add = [&](const Panel& panel) {
    padded(sizes, panel, real_input(arguments), scratch.image);
    slide_weight_gradient(sizes, scratch.image, arguments.output_gradient + output_offset(sizes, panel), scratch.weights);
  };
  for_each_sample(sizes, clear, add, [&](std::int64_t group) {
    add_partial_sums(sizes, scratch.weights,
                     arguments.parameter_gradients[0] + group * sizes.out * sizes.depth());
  });
  if (arguments.parameter_gradients.size() > 1)
    add_bias_gradient(sizes, arguments.output_gradient, arguments.parameter_gradients[1]);
}

}  // namespace tandem
