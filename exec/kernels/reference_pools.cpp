// max_pool2d and average_pool2d, reference: visit the values under each window.

#include <algorithm>

#include "exec/kernels/pool_planes.hpp"

namespace tandem {

namespace {

/// Calls `body(output, row, column)` for each output of each plane.
template <class Body>
void for_each_output(const PoolSizes& sizes, Body body) {
  std::int64_t output = 0;
  for (std::int64_t plane = 0; plane < sizes.planes; ++plane) {
    for (std::int64_t row = 0; row < sizes.out_height; ++row) {
      for (std::int64_t column = 0; column < sizes.out_width; ++column) body(output++, row, column);
    }
  }
}

/// Where the tap reads, or -1 in the padding.
std::int64_t place_of(const PoolSizes& sizes, std::int64_t output, std::int64_t tap) {
  const auto plane = output / (sizes.out_height * sizes.out_width);
  const auto row = sizes.windows.height.at(output / sizes.out_width % sizes.out_height, tap / sizes.windows.width.kernel);
  const auto column = sizes.windows.width.at(output % sizes.out_width, tap % sizes.windows.width.kernel);
  const bool inside = row >= 0 && row < sizes.height && column >= 0 && column < sizes.width;
  return inside ? (plane * sizes.height + row) * sizes.width + column : -1;
}

template <class Real>
void maximum(const KernelArguments<Real>& arguments) {
  const PoolSizes sizes(arguments);
  const Real* const x = real_input(arguments);
  for_each_output(sizes, [&](std::int64_t output, std::int64_t, std::int64_t) {
    std::int64_t best = -1;
    for (std::int64_t tap = 0; tap < sizes.windows.taps(); ++tap) {
      const auto place = place_of(sizes, output, tap);
      if (place < 0) continue;
      const bool larger = best < 0 || x[place] > x[place_of(sizes, output, best)] || x[place] != x[place];
      if (larger) best = tap;
    }
    arguments.output[output] = x[place_of(sizes, output, best)];
    arguments.extra[0][output] = static_cast<Real>(best);
  });
}

/// Equal values are ones that no rounding has parted.
template <class Real>
std::int64_t turn_maximum(const KernelArguments<Real>& arguments, Real margin) {
  const PoolSizes sizes(arguments);
  const Real* const x = real_input(arguments);
  std::int64_t turned = 0;
  for_each_output(sizes, [&](std::int64_t output, std::int64_t, std::int64_t) {
    std::int64_t second = -1;
    for (std::int64_t tap = 0; tap < sizes.windows.taps(); ++tap) {
      const auto place = place_of(sizes, output, tap);
      if (place < 0 || x[place] >= arguments.output[output]) continue;
      if (second < 0 || x[place] > x[place_of(sizes, output, second)]) second = tap;
    }
    if (second < 0 || arguments.output[output] - x[place_of(sizes, output, second)] > margin) return;
    arguments.output[output] = x[place_of(sizes, output, second)];
    arguments.extra[0][output] = static_cast<Real>(second);
    ++turned;
  });
  return turned;
}

template <class Real>
void maximum_gradient(const KernelArguments<Real>& arguments) {
  const PoolSizes sizes(arguments);
  Real* const dx = first_gradient(arguments);
  if (!arguments.accumulate[0]) std::fill_n(dx, input_elements(arguments), Real(0));
  for_each_output(sizes, [&](std::int64_t output, std::int64_t, std::int64_t) {
    const auto tap = static_cast<std::int64_t>(arguments.extra[0][output]);
    dx[place_of(sizes, output, tap)] += arguments.output_gradient[output];
  });
}

/// Calls `body(output, place, divisor)` for each value under each window.
template <class Real, class Body>
void for_each_value(const KernelArguments<Real>& arguments, Body body) {
  const PoolSizes sizes(arguments);
  const bool with_padding = arguments.attributes->integer("count_include_pad") == 1;
  for_each_output(sizes, [&](std::int64_t output, std::int64_t row, std::int64_t column) {
    const auto divisor = static_cast<Real>(values_under(sizes, with_padding, row, column));
    for (std::int64_t tap = 0; tap < sizes.windows.taps(); ++tap) {
      const auto place = place_of(sizes, output, tap);
      if (place >= 0) body(output, place, divisor);
    }
  });
}

template <class Real>
void average(const KernelArguments<Real>& arguments) {
  std::fill_n(arguments.output, arguments.output_spec->elements(arguments.batch), Real(0));
  for_each_value(arguments, [&](std::int64_t output, std::int64_t place, Real divisor) {
    arguments.output[output] += real_input(arguments)[place] / divisor;
  });
}

template <class Real>
void average_gradient(const KernelArguments<Real>& arguments) {
  Real* const dx = first_gradient(arguments);
  if (!arguments.accumulate[0]) std::fill_n(dx, input_elements(arguments), Real(0));
  for_each_value(arguments, [&](std::int64_t output, std::int64_t place, Real divisor) {
    dx[place] += arguments.output_gradient[output] / divisor;
  });
}

}  // namespace

template <class Real>
KernelRow<Real> max_pool2d_reference() {
  return {"max_pool2d", maximum<Real>, maximum_gradient<Real>, nullptr, turn_maximum<Real>};
}

template <class Real>
KernelRow<Real> average_pool2d_reference() {
  return {"average_pool2d", average<Real>, average_gradient<Real>, nullptr};
}

template KernelRow<float> max_pool2d_reference<float>();
template KernelRow<double> max_pool2d_reference<double>();
template KernelRow<float> average_pool2d_reference<float>();
template KernelRow<double> average_pool2d_reference<double>();

}  // namespace tandem
