// conv2d, reference: each output is the sum, over the taps of its window, of weight times value.

#include <algorithm>

#include "exec/kernels/arguments.hpp"
#include "exec/kernels/convolution_bias.hpp"
#include "models/layers/windows.hpp"

namespace tandem {

namespace {

/// A row of output positions [first, last) that one tap of one input channel contributes to.
struct Stretch {
  std::int64_t x, y;       ///< of the first position, in the whole tensors
  std::int64_t weight;     ///< in the whole weight
  std::int64_t count, stride;
};

template <class Real>
class Sizes {
 public:
  explicit Sizes(const KernelArguments<Real>& arguments)
      : windows(*arguments.attributes),
        groups(arguments.attributes->integer("groups")),
        samples(arguments.batch),
        x(arguments.input_specs[0].dims),
        y(arguments.output_spec->dims) {}

  /// Calls `body(stretch)` for every sample, output channel, input channel of its group, tap and row.
  template <class Body>
  void for_each_stretch(Body body) const {
    const auto in = x[0] / groups, out = y[0] / groups;
    for (std::int64_t at = 0; at < samples * y[0] * in; ++at) {
      const auto channel_in = at % in, channel_out = at / in % y[0], sample = at / in / y[0];
      const auto from = (sample * x[0] + channel_out / out * in + channel_in) * x[1] * x[2];
      const auto to = (sample * y[0] + channel_out) * y[1] * y[2];
      for (std::int64_t tap = 0; tap < windows.taps(); ++tap) {
        rows_of_tap(from, to, (channel_out * in + channel_in) * windows.taps() + tap, tap, body);
      }
    }
  }

  Windows windows;
  std::int64_t groups, samples;
  std::span<const std::int64_t> x, y;

 private:
  template <class Body>
  void rows_of_tap(std::int64_t from, std::int64_t to, std::int64_t weight, std::int64_t tap, Body& body) const {
    const auto tap_down = tap / windows.width.kernel, tap_right = tap % windows.width.kernel;
    const auto rows = windows.height.positions_inside(tap_down, x[1], y[1]);
    const auto columns = windows.width.positions_inside(tap_right, x[2], y[2]);
    for (auto row = rows.first; row < rows.last; ++row) {
      const auto first = windows.height.at(row, tap_down) * x[2] + windows.width.at(columns.first, tap_right);
      body(Stretch{from + first, to + row * y[2] + columns.first, weight, columns.last - columns.first,
                   windows.width.stride});
    }
  }
};

template <class Real>
void forward(const KernelArguments<Real>& arguments) {
  const Sizes<Real> sizes(arguments);
  const Real* const bias = bias_to_add(arguments);
  const auto positions = sizes.y[1] * sizes.y[2];
  for (std::int64_t at = 0; at < sizes.samples * sizes.y[0] * positions; ++at) {
    arguments.output[at] = bias == nullptr ? Real(0) : bias[at / positions % sizes.y[0]];
  }
  sizes.for_each_stretch([&](const Stretch& stretch) {
    const Real* const x = real_input(arguments) + stretch.x;
    const Real weight = arguments.parameters[0][stretch.weight];
    Real* const y = arguments.output + stretch.y;
    for (std::int64_t i = 0; i < stretch.count; ++i) y[i] += weight * x[i * stretch.stride];
  });
}

template <class Real>
void input_gradient(const KernelArguments<Real>& arguments) {
  const Sizes<Real> sizes(arguments);
  if (!arguments.accumulate[0]) std::fill_n(first_gradient(arguments), input_elements(arguments), Real(0));
  sizes.for_each_stretch([&](const Stretch& stretch) {
    Real* const dx = first_gradient(arguments) + stretch.x;
    const Real weight = arguments.parameters[0][stretch.weight];
    const Real* const dy = arguments.output_gradient + stretch.y;
    for (std::int64_t i = 0; i < stretch.count; ++i) dx[i * stretch.stride] += weight * dy[i];
  });
}

template <class Real>
void weight_gradient(const KernelArguments<Real>& arguments) {
  const Sizes<Real> sizes(arguments);
  sizes.for_each_stretch([&](const Stretch& stretch) {
    const Real* const x = real_input(arguments) + stretch.x;
    const Real* const dy = arguments.output_gradient + stretch.y;
    Real sum = 0;
    for (std::int64_t i = 0; i < stretch.count; ++i) sum += x[i * stretch.stride] * dy[i];
    arguments.parameter_gradients[0][stretch.weight] += sum;
  });
  if (arguments.parameter_gradients.size() < 2) return;
  const auto positions = sizes.y[1] * sizes.y[2];
  for (std::int64_t at = 0; at < sizes.samples * sizes.y[0] * positions; ++at) {
    arguments.parameter_gradients[1][at / positions % sizes.y[0]] += arguments.output_gradient[at];
  }
}

}  // namespace

/// Of every algorithm: they compute the same.
template <class Real>
KernelRow<Real> conv2d_reference(std::string_view kind) {
  return {kind, forward<Real>, input_gradient<Real>, weight_gradient<Real>};
}

template KernelRow<float> conv2d_reference<float>(std::string_view);
template KernelRow<double> conv2d_reference<double>(std::string_view);

}  // namespace tandem
