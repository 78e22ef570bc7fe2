// batch_norm_merge, fast: keeps the merged mean and rstd = 1 / sqrt(variance + epsilon) of each channel.

#include <cmath>

#include "exec/kernels/arrays.hpp"
#include "exec/kernels/channel_norm.hpp"

namespace tandem {

namespace {

using Arguments = KernelArguments<float>;

/// The moments of one channel, part by part, and merged:
/// mean = sum of count mean / count; squares = sum of squares + sum of count (mean of the part - mean)^2.
struct Moments {
  Moments(const Arguments& arguments, std::int64_t channel)
      : first(real_input(arguments, 1) + channel),
        channels(arguments.input_specs[0].dims[0]),
        parts(arguments.input_specs[1].dims[0]) {
    for (std::int64_t part = 0; part < parts; ++part) count += count_of(part);
    for (std::int64_t part = 0; part < parts; ++part) mean += count_of(part) / count * mean_of(part);
    for (std::int64_t part = 0; part < parts; ++part) {
      squares += squares_of(part) + count_of(part) * deviation_of(part) * deviation_of(part);
    }
  }
  double mean_of(std::int64_t part) const { return moment(part, 0); }
  double squares_of(std::int64_t part) const { return moment(part, 1); }
  double count_of(std::int64_t part) const { return moment(part, 2); }
  double deviation_of(std::int64_t part) const { return mean_of(part) - mean; }
  double moment(std::int64_t part, std::int64_t which) const {
    return static_cast<double>(first[(3 * part + which) * channels]);
  }

  const float* first;
  std::int64_t channels, parts;
  double count = 0, mean = 0, squares = 0;
};

void forward(const Arguments& arguments) {
  const double epsilon = arguments.attributes->number("epsilon");
  for (std::int64_t channel = 0; channel < arguments.input_specs[0].dims[0]; ++channel) {
    const Moments merged(arguments, channel);
    arguments.extra[0][2 * channel] = static_cast<float>(merged.mean);
    arguments.extra[0][2 * channel + 1] = static_cast<float>(1 / std::sqrt(merged.squares / merged.count + epsilon));
  }
  normalise_channels(arguments);
}

/// y falls by weight rstd with the merged mean, and by weight (x - mean) rstd^3 / 2 with the merged variance.
void put_moment_gradients(const Arguments& arguments, std::int64_t channel, const GradientSums& sums) {
  const Moments merged(arguments, channel);
  const auto rstd = static_cast<double>(arguments.extra[0][2 * channel + 1]);
  const auto weight = static_cast<double>(arguments.parameters[0][channel]);
  const double of_mean = -weight * rstd * sums.dy;
  const double of_variance = -0.5 * weight * rstd * rstd * rstd * sums.dy_deviation;
  const auto channels = arguments.input_specs[0].dims[0];
  const auto write = [&](std::int64_t part, std::int64_t which, double value) {
    put(arguments.input_gradients[1][(3 * part + which) * channels + channel], arguments.accumulate[1],
        static_cast<float>(value));
  };
  for (std::int64_t part = 0; part < merged.parts; ++part) {
    const double share = merged.count_of(part) / merged.count, deviation = merged.deviation_of(part);
    write(part, 0, share * (of_mean + 2 * of_variance * deviation));
    write(part, 1, of_variance / merged.count);
    write(part, 2, (of_mean * deviation + of_variance * (deviation * deviation - merged.squares / merged.count)) /
                       merged.count);
  }
}

void input_gradient(const Arguments& arguments) {
  for (std::int64_t channel = 0; channel < arguments.input_specs[0].dims[0]; ++channel) {
    const float scale = arguments.extra[0][2 * channel + 1] * arguments.parameters[0][channel];
    if (arguments.input_gradients[0] != nullptr) put_channel_gradient(arguments, channel, scale, 0, 0);
    if (arguments.input_gradients[1] == nullptr) continue;
    put_moment_gradients(arguments, channel, gradient_sums(arguments, channel));
  }
}

}  // namespace

KernelRow<float> batch_norm_merge_kernels() {
  return {"batch_norm_merge", forward, input_gradient, add_scale_gradients};
}

}  // namespace tandem
