#include "exec/kernels/channel_norm.hpp"

#include "exec/kernels/arrays.hpp"

namespace tandem {

void normalise_channels(const KernelArguments<float>& arguments) {
  const Channels channels(arguments);
  for (std::int64_t channel = 0; channel < channels.count; ++channel) {
    const float mean = arguments.extra[0][2 * channel], rstd = arguments.extra[0][2 * channel + 1];
    const float scale = rstd * arguments.parameters[0][channel], bias = arguments.parameters[1][channel];
    for (std::int64_t sample = 0; sample < channels.samples; ++sample) {
      const auto at = channels.run(sample, channel);
      const ConstRow x(real_input(arguments) + at, channels.size);
      Row(arguments.output + at, channels.size) = (x - mean) * scale + bias;
    }
  }
}

GradientSums gradient_sums(const KernelArguments<float>& arguments, std::int64_t channel) {
  const Channels channels(arguments);
  const float mean = arguments.extra[0][2 * channel];
  GradientSums sums;
  for (std::int64_t sample = 0; sample < channels.samples; ++sample) {
    const auto at = channels.run(sample, channel);
    const ConstRow x(real_input(arguments) + at, channels.size), dy(arguments.output_gradient + at, channels.size);
    sums.dy += static_cast<double>(dy.sum());
    sums.dy_deviation += static_cast<double>((dy * (x - mean)).sum());
  }
  return sums;
}

void add_scale_gradients(const KernelArguments<float>& arguments) {
  const Channels channels(arguments);
  for (std::int64_t channel = 0; channel < channels.count; ++channel) {
    const auto sums = gradient_sums(arguments, channel);
    const auto rstd = static_cast<double>(arguments.extra[0][2 * channel + 1]);
    arguments.parameter_gradients[0][channel] += static_cast<float>(sums.dy_deviation * rstd);
    arguments.parameter_gradients[1][channel] += static_cast<float>(sums.dy);
  }
}

void put_channel_gradient(const KernelArguments<float>& arguments, std::int64_t channel, float scale, float shift,
                          float slope) {
  const Channels channels(arguments);
  const float mean = arguments.extra[0][2 * channel];
  for (std::int64_t sample = 0; sample < channels.samples; ++sample) {
    const auto at = channels.run(sample, channel);
    const ConstRow x(real_input(arguments) + at, channels.size), dy(arguments.output_gradient + at, channels.size);
    Row dx(first_gradient(arguments) + at, channels.size);
    store(dx, arguments.accumulate[0], scale * dy - shift - slope * (x - mean));
  }
}

}  // namespace tandem
