// batch_norm, fast: keeps mean and rstd = 1 / sqrt(variance + epsilon) of each channel.

#include <cmath>

#include "exec/kernels/arrays.hpp"
#include "exec/kernels/channel_norm.hpp"

namespace tandem {

namespace {

using Arguments = KernelArguments<float>;

/// The mean over a channel of `term(run)`, summed in double from run to run.
template <class Term>
double mean_over(const Arguments& arguments, const Channels& channels, std::int64_t channel, Term term) {
  double sum = 0;
  for (std::int64_t sample = 0; sample < channels.samples; ++sample) {
    const ConstRow x(real_input(arguments) + channels.run(sample, channel), channels.size);
    sum += static_cast<double>(term(x));
  }
  return sum / channels.values();
}

void forward(const Arguments& arguments) {
  const Channels channels(arguments);
  const double epsilon = arguments.attributes->number("epsilon");
  for (std::int64_t channel = 0; channel < channels.count; ++channel) {
    const auto mean = static_cast<float>(
        mean_over(arguments, channels, channel, [](const ConstRow& x) { return x.sum(); }));
    const double variance = mean_over(arguments, channels, channel,
                                      [mean](const ConstRow& x) { return (x - mean).square().sum(); });
    arguments.extra[0][2 * channel] = mean;
    arguments.extra[0][2 * channel + 1] = static_cast<float>(1 / std::sqrt(variance + epsilon));
  }
  normalise_channels(arguments);
}

/// dx = weight rstd (dy - mean of dy - (x - mean) rstd^2 mean of dy (x - mean)).
void input_gradient(const Arguments& arguments) {
  const Channels channels(arguments);
  for (std::int64_t channel = 0; channel < channels.count; ++channel) {
    const auto sums = gradient_sums(arguments, channel);
    const auto rstd = static_cast<double>(arguments.extra[0][2 * channel + 1]);
    const double scale = rstd * static_cast<double>(arguments.parameters[0][channel]);
    const double shift = scale * sums.dy / channels.values();
    const double slope = scale * rstd * rstd * sums.dy_deviation / channels.values();
    put_channel_gradient(arguments, channel, static_cast<float>(scale), static_cast<float>(shift),
                         static_cast<float>(slope));
  }
}

}  // namespace

KernelRow<float> batch_norm_kernels() { return {"batch_norm", forward, input_gradient, add_scale_gradients}; }

}  // namespace tandem
