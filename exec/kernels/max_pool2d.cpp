// max_pool2d, fast: keeps which tap held the maximum, the first of equals; a NaN is larger than all numbers.

#include <algorithm>

#include "exec/kernels/pool_planes.hpp"

namespace tandem {

namespace {

void forward(const KernelArguments<float>& arguments) {
  const PoolSizes sizes(arguments);
  const auto stride = sizes.windows.width.stride;
  sizes.for_each_run([&](std::int64_t first, std::int64_t count) {
    std::fill_n(arguments.extra[0] + first, count, -1.0F);
    std::fill_n(arguments.output + first, count, 0.0F);
  });
  sizes.for_each_stretch([&](std::int64_t from, std::int64_t to, std::int64_t tap, std::int64_t count) {
    const float* const x = real_input(arguments) + from;
    float* const y = arguments.output + to;
    float* const taps = arguments.extra[0] + to;
    const auto this_tap = static_cast<float>(tap);
    for (std::int64_t at = 0; at < count; ++at) {
      const float value = x[at * stride];
      const bool larger = taps[at] < 0 || value > y[at] || value != value;
      y[at] = larger ? value : y[at];
      taps[at] = larger ? this_tap : taps[at];
    }
  });
}

void input_gradient(const KernelArguments<float>& arguments) {
  const PoolSizes sizes(arguments);
  const auto &down = sizes.windows.height, &right = sizes.windows.width;
  if (!arguments.accumulate[0]) std::fill_n(first_gradient(arguments), input_elements(arguments), 0.0F);
  const float* dy = arguments.output_gradient;
  const float* taps = arguments.extra[0];
  for (std::int64_t row = 0; row < sizes.planes * sizes.out_height; ++row) {
    float* const plane = first_gradient(arguments) + row / sizes.out_height * sizes.height * sizes.width;
    for (std::int64_t column = 0; column < sizes.out_width; ++column, ++dy, ++taps) {
      const auto tap = static_cast<std::int64_t>(*taps);
      const auto from = down.at(row % sizes.out_height, tap / right.kernel);
      plane[from * sizes.width + right.at(column, tap % right.kernel)] += *dy;
    }
  }
}

}  // namespace

KernelRow<float> max_pool2d_kernels() { return {"max_pool2d", forward, input_gradient, nullptr}; }

}  // namespace tandem
