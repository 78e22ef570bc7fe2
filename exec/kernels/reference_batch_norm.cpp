// batch_norm, reference: keeps mean and rstd = 1 / sqrt(variance + epsilon) of each channel.

#include <cmath>

#include "exec/kernels/channels.hpp"

namespace tandem {

namespace {

/// Calls `body(index)` for each value of the channel.
template <class Body>
void for_each_value(const Channels& channels, std::int64_t channel, Body body) {
  PartOfChannel(channels, 0, 1).for_each_stretch(channels, channel, [&](std::int64_t offset, std::int64_t count) {
    for (auto at = offset; at < offset + count; ++at) body(at);
  });
}

template <class Real>
void normalise(const KernelArguments<Real>& arguments, std::int64_t channel, Real mean, Real variance) {
  const Real rstd = 1 / std::sqrt(variance + static_cast<Real>(arguments.attributes->number("epsilon")));
  arguments.extra[0][2 * channel] = mean;
  arguments.extra[0][2 * channel + 1] = rstd;
  for_each_value(Channels(arguments), channel, [&](std::int64_t at) {
    arguments.output[at] =
        (real_input(arguments)[at] - mean) * rstd * arguments.parameters[0][channel] + arguments.parameters[1][channel];
  });
}

template <class Real>
void norm(const KernelArguments<Real>& arguments) {
  const Channels channels(arguments);
  const Real* const x = real_input(arguments);
  for (std::int64_t channel = 0; channel < channels.count; ++channel) {
    Real mean = 0, variance = 0;
    const auto count = static_cast<Real>(channels.values());
    for_each_value(channels, channel, [&](std::int64_t at) { mean += x[at] / count; });
    for_each_value(channels, channel, [&](std::int64_t at) { variance += (x[at] - mean) * (x[at] - mean) / count; });
    normalise(arguments, channel, mean, variance);
  }
}

/// With g = dy weight and n = (x - mean) rstd: dx = rstd (g - mean(g) - n mean(g n)).
template <class Real>
void norm_gradient(const KernelArguments<Real>& arguments) {
  const Channels channels(arguments);
  for (std::int64_t channel = 0; channel < channels.count; ++channel) {
    const Real mean = arguments.extra[0][2 * channel], rstd = arguments.extra[0][2 * channel + 1];
    const auto count = static_cast<Real>(channels.values());
    const auto g = [&](std::int64_t at) { return arguments.output_gradient[at] * arguments.parameters[0][channel]; };
    const auto n = [&](std::int64_t at) { return (real_input(arguments)[at] - mean) * rstd; };
    Real mean_g = 0, mean_gn = 0;
    for_each_value(channels, channel, [&](std::int64_t at) {
      mean_g += g(at) / count;
      mean_gn += g(at) * n(at) / count;
    });
    for_each_value(channels, channel, [&](std::int64_t at) {
      put(first_gradient(arguments)[at], arguments.accumulate[0], rstd * (g(at) - mean_g - n(at) * mean_gn));
    });
  }
}

template <class Real>
void scale_gradients(const KernelArguments<Real>& arguments) {
  const Channels channels(arguments);
  for (std::int64_t channel = 0; channel < channels.count; ++channel) {
    const Real mean = arguments.extra[0][2 * channel], rstd = arguments.extra[0][2 * channel + 1];
    for_each_value(channels, channel, [&](std::int64_t at) {
      const Real dy = arguments.output_gradient[at];
      arguments.parameter_gradients[0][channel] += dy * (real_input(arguments)[at] - mean) * rstd;
      arguments.parameter_gradients[1][channel] += dy;
    });
  }
}

}  // namespace

template <class Real>
KernelRow<Real> batch_norm_reference() {
  return {"batch_norm", norm<Real>, norm_gradient<Real>, scale_gradients<Real>};
}

template KernelRow<float> batch_norm_reference<float>();
template KernelRow<double> batch_norm_reference<double>();

}  // namespace tandem
