// batch_moments and batch_norm_merge, reference: parts are merged one after the other.

#include <algorithm>
#include <cmath>
#include <vector>

#include "exec/kernels/channels.hpp"

namespace tandem {

namespace {

/// Calls `body(offset, part, channel, index of the part's mean for the channel)` for each value.
template <class Real, class Body>
void for_each_value(const KernelArguments<Real>& arguments, std::int64_t parts, Body body) {
  const Channels channels(arguments);
  for (std::int64_t part = 0; part < parts; ++part) {
    for (std::int64_t channel = 0; channel < channels.count; ++channel) {
      const PartOfChannel values(channels, part, parts);
      values.for_each_stretch(channels, channel, [&](std::int64_t offset, std::int64_t count) {
        for (auto at = offset; at < offset + count; ++at) body(at, values, channel, part * 3 * channels.count + channel);
      });
    }
  }
}

template <class Real>
void moments(const KernelArguments<Real>& arguments) {
  const auto parts = arguments.output_spec->dims[0], channels = arguments.input_specs[0].dims[0];
  const Real* const x = real_input(arguments);
  Real* const y = arguments.output;
  std::fill_n(y, 3 * parts * channels, Real(0));
  for_each_value(arguments, parts, [&](std::int64_t at, const PartOfChannel& part, std::int64_t, std::int64_t mean) {
    y[mean] += x[at] / static_cast<Real>(part.values());
    y[mean + 2 * channels] += 1;
  });
  for_each_value(arguments, parts, [&](std::int64_t at, const PartOfChannel&, std::int64_t, std::int64_t mean) {
    y[mean + channels] += (x[at] - y[mean]) * (x[at] - y[mean]);
  });
}

template <class Real>
void moments_gradient(const KernelArguments<Real>& arguments) {
  const auto parts = arguments.output_spec->dims[0], channels = arguments.input_specs[0].dims[0];
  const Real* const dy = arguments.output_gradient;
  for_each_value(arguments, parts, [&](std::int64_t at, const PartOfChannel& part, std::int64_t, std::int64_t mean) {
    const Real deviation = real_input(arguments)[at] - arguments.output[mean];
    put(first_gradient(arguments)[at], arguments.accumulate[0],
        dy[mean] / static_cast<Real>(part.values()) + 2 * deviation * dy[mean + channels]);
  });
}

struct Moments {
  double mean = 0, squares = 0, count = 0;
};

/// The two together (Chan, Golub, LeVeque 1983, equation 2.1).
Moments merged(const Moments& a, const Moments& b) {
  const double count = a.count + b.count, apart = b.mean - a.mean;
  return {a.mean + apart * b.count / count, a.squares + b.squares + apart * apart * a.count * b.count / count, count};
}

template <class Real>
Moments moments_of(const KernelArguments<Real>& arguments, std::int64_t part, std::int64_t channel) {
  const auto channels = arguments.input_specs[0].dims[0];
  const Real* const first = real_input(arguments, 1) + 3 * part * channels + channel;
  return {static_cast<double>(first[0]), static_cast<double>(first[channels]), static_cast<double>(first[2 * channels])};
}

template <class Real>
Moments merge_all(const KernelArguments<Real>& arguments, std::int64_t channel) {
  Moments all = moments_of(arguments, 0, channel);
  for (std::int64_t part = 1; part < arguments.input_specs[1].dims[0]; ++part) {
    const auto next = moments_of(arguments, part, channel);
    if (next.count != 0) all = merged(all, next);
  }
  return all;
}

template <class Real>
void merge(const KernelArguments<Real>& arguments) {
  for (std::int64_t channel = 0; channel < arguments.input_specs[0].dims[0]; ++channel) {
    const auto all = merge_all(arguments, channel);
    const double variance = all.squares / all.count + arguments.attributes->number("epsilon");
    arguments.extra[0][2 * channel] = static_cast<Real>(all.mean);
    arguments.extra[0][2 * channel + 1] = static_cast<Real>(1 / std::sqrt(variance));
  }
  for_each_value(arguments, 1, [&](std::int64_t at, const PartOfChannel&, std::int64_t channel, std::int64_t) {
    const Real mean = arguments.extra[0][2 * channel], rstd = arguments.extra[0][2 * channel + 1];
    arguments.output[at] = (real_input(arguments)[at] - mean) * rstd * arguments.parameters[0][channel] +
                           arguments.parameters[1][channel];
  });
}

/// What the merged mean and the merged variance owe.
template <class Real>
struct Slopes {
  explicit Slopes(std::int64_t channels)
      : of_mean(static_cast<std::size_t>(channels)), of_variance(static_cast<std::size_t>(channels)) {}
  std::vector<Real> of_mean, of_variance;
};

template <class Real>
Slopes<Real> slopes_of(const KernelArguments<Real>& arguments) {
  Slopes<Real> slopes(arguments.input_specs[0].dims[0]);
  for_each_value(arguments, 1, [&](std::int64_t at, const PartOfChannel&, std::int64_t channel, std::int64_t) {
    const Real mean = arguments.extra[0][2 * channel], rstd = arguments.extra[0][2 * channel + 1];
    const Real g = arguments.output_gradient[at] * arguments.parameters[0][channel];
    slopes.of_mean[static_cast<std::size_t>(channel)] -= g * rstd;
    slopes.of_variance[static_cast<std::size_t>(channel)] -=
        g * (real_input(arguments)[at] - mean) * rstd * rstd * rstd / 2;
  });
  return slopes;
}

/// Through mean = sum of count mean / count and variance = (sum of squares + sum of count (mean of part - mean)^2) / count.
template <class Real>
void put_moment_gradients(const KernelArguments<Real>& arguments) {
  const auto slopes = slopes_of(arguments);
  const auto channels = arguments.input_specs[0].dims[0];
  for (std::int64_t at = 0; at < arguments.input_specs[1].dims[0] * channels; ++at) {
    const auto part = at / channels, channel = at % channels;
    const auto all = merge_all(arguments, channel), own = moments_of(arguments, part, channel);
    const auto of_mean = static_cast<double>(slopes.of_mean[static_cast<std::size_t>(channel)]);
    const auto of_variance = static_cast<double>(slopes.of_variance[static_cast<std::size_t>(channel)]);
    const double apart = own.mean - all.mean, variance = all.squares / all.count;
    const auto write = [&](std::int64_t which, double value) {
      put(arguments.input_gradients[1][(3 * part + which) * channels + channel], arguments.accumulate[1],
          static_cast<Real>(value));
    };
    write(0, (of_mean + 2 * of_variance * apart) * own.count / all.count);
    write(1, of_variance / all.count);
    write(2, (of_mean * apart + of_variance * (apart * apart - variance)) / all.count);
  }
}

template <class Real>
void merge_gradient(const KernelArguments<Real>& arguments) {
  if (arguments.input_gradients[1] != nullptr) put_moment_gradients(arguments);
  if (arguments.input_gradients[0] == nullptr) return;
  for_each_value(arguments, 1, [&](std::int64_t at, const PartOfChannel&, std::int64_t channel, std::int64_t) {
    put(first_gradient(arguments)[at], arguments.accumulate[0],
        arguments.output_gradient[at] * arguments.parameters[0][channel] * arguments.extra[0][2 * channel + 1]);
  });
}

template <class Real>
void scale_gradients(const KernelArguments<Real>& arguments) {
  for_each_value(arguments, 1, [&](std::int64_t at, const PartOfChannel&, std::int64_t channel, std::int64_t) {
    const Real mean = arguments.extra[0][2 * channel], rstd = arguments.extra[0][2 * channel + 1];
    const Real dy = arguments.output_gradient[at];
    arguments.parameter_gradients[0][channel] += dy * (real_input(arguments)[at] - mean) * rstd;
    arguments.parameter_gradients[1][channel] += dy;
  });
}

}  // namespace

template <class Real>
KernelRow<Real> batch_moments_reference() {
  return {"batch_moments", moments<Real>, moments_gradient<Real>, nullptr};
}

template <class Real>
KernelRow<Real> batch_norm_merge_reference() {
  return {"batch_norm_merge", merge<Real>, merge_gradient<Real>, scale_gradients<Real>};
}

template KernelRow<float> batch_moments_reference<float>();
template KernelRow<double> batch_moments_reference<double>();
template KernelRow<float> batch_norm_merge_reference<float>();
template KernelRow<double> batch_norm_merge_reference<double>();

}  // namespace tandem
