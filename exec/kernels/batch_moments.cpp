// batch_moments, fast: mean, sum of squared deviations and count of each part of each channel.

#include "exec/kernels/arrays.hpp"
#include "exec/kernels/channels.hpp"

namespace tandem {

namespace {

using Arguments = KernelArguments<float>;

/// Calls `body(part, channel, index of the mean)`; squares and count stand one and two rows of channels further on.
template <class Body>
void for_each_part(const Arguments& arguments, Body body) {
  const Channels channels(arguments);
  const auto parts = arguments.output_spec->dims[0];
  for (std::int64_t at = 0; at < parts * channels.count; ++at) {
    const auto part = at / channels.count, channel = at % channels.count;
    body(PartOfChannel(channels, part, parts), channel, part * 3 * channels.count + channel);
  }
}

void forward(const Arguments& arguments) {
  const Channels channels(arguments);
  for_each_part(arguments, [&](const PartOfChannel& part, std::int64_t channel, std::int64_t at) {
    const auto x_of = [&](std::int64_t offset, std::int64_t count) { return ConstRow(real_input(arguments) + offset, count); };
    double sum = 0, squares = 0;
    part.for_each_stretch(channels, channel, [&](std::int64_t offset, std::int64_t count) {
      sum += static_cast<double>(x_of(offset, count).sum());
    });
    const auto mean = static_cast<float>(part.values() > 0 ? sum / part.values() : 0);
    part.for_each_stretch(channels, channel, [&](std::int64_t offset, std::int64_t count) {
      squares += static_cast<double>((x_of(offset, count) - mean).square().sum());
    });
    arguments.output[at] = mean;
    arguments.output[at + channels.count] = static_cast<float>(squares);
    arguments.output[at + 2 * channels.count] = static_cast<float>(part.values());
  });
}

/// The mean's slope is 1 / count, that of the squares 2 (x - mean); the count is none of x's.
void input_gradient(const Arguments& arguments) {
  const Channels channels(arguments);
  for_each_part(arguments, [&](const PartOfChannel& part, std::int64_t channel, std::int64_t at) {
    const float mean = arguments.output[at];
    const float shift = static_cast<float>(static_cast<double>(arguments.output_gradient[at]) / part.values());
    const float slope = 2 * arguments.output_gradient[at + channels.count];
    part.for_each_stretch(channels, channel, [&](std::int64_t offset, std::int64_t count) {
      Row dx(first_gradient(arguments) + offset, count);
      store(dx, arguments.accumulate[0], shift + slope * (ConstRow(real_input(arguments) + offset, count) - mean));
    });
  });
}

}  // namespace

KernelRow<float> batch_moments_kernels() { return {"batch_moments", forward, input_gradient, nullptr}; }

}  // namespace tandem
