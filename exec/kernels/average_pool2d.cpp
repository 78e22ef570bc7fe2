// average_pool2d, fast: sums tap by tap, then divides.

#include <algorithm>

#include "exec/kernels/pool_planes.hpp"

namespace tandem {

namespace {

/// 1 / divisor by position: of an output row and column, the same in every plane.
class Shares {
 public:
  explicit Shares(const KernelArguments<float>& arguments) : sizes_(arguments) {
    with_padding_ = arguments.attributes->integer("count_include_pad") == 1;
    all_taps_ = 1 / static_cast<float>(sizes_.windows.taps());
  }
  float at(std::int64_t row, std::int64_t column) const {
    if (with_padding_) return all_taps_;
    return 1 / static_cast<float>(values_under(sizes_, false, row, column));
  }

 private:
  PoolSizes sizes_;
  bool with_padding_;
  float all_taps_;
};

void forward(const KernelArguments<float>& arguments) {
  const PoolSizes sizes(arguments);
  const Shares shares(arguments);
  const auto stride = sizes.windows.width.stride;
  sizes.for_each_run([&](std::int64_t first, std::int64_t count) { std::fill_n(arguments.output + first, count, 0.0F); });
  sizes.for_each_stretch([&](std::int64_t from, std::int64_t to, std::int64_t, std::int64_t count) {
    const float* const x = real_input(arguments) + from;
    float* const y = arguments.output + to;
    for (std::int64_t at = 0; at < count; ++at) y[at] += x[at * stride];
  });
  sizes.for_each_run([&](std::int64_t first, std::int64_t count) {
    for (auto at = first; at < first + count; ++at) {
      arguments.output[at] *= shares.at(at / sizes.out_width % sizes.out_height, at % sizes.out_width);
    }
  });
}

void input_gradient(const KernelArguments<float>& arguments) {
  const PoolSizes sizes(arguments);
  const Shares shares(arguments);
  const auto stride = sizes.windows.width.stride;
  if (!arguments.accumulate[0]) std::fill_n(first_gradient(arguments), input_elements(arguments), 0.0F);
  sizes.for_each_stretch([&](std::int64_t from, std::int64_t to, std::int64_t, std::int64_t count) {
    float* const dx = first_gradient(arguments) + from;
    const float* const dy = arguments.output_gradient + to;
    const auto row = to / sizes.out_width % sizes.out_height, first = to % sizes.out_width;
    for (std::int64_t at = 0; at < count; ++at) dx[at * stride] += dy[at] * shares.at(row, first + at);
  });
}

}  // namespace

KernelRow<float> average_pool2d_kernels() { return {"average_pool2d", forward, input_gradient, nullptr}; }

}  // namespace tandem
