#pragma once
// The values of one channel: a run of them in each sample.

#include <algorithm>

#include "exec/kernels/arguments.hpp"

namespace tandem {

struct Channels {
  template <class Real>
  explicit Channels(const KernelArguments<Real>& arguments)
      : samples(arguments.batch),
        count(arguments.input_specs[0].dims[0]),
        size(arguments.input_specs[0].elements_per_sample() / count) {}

  std::int64_t run(std::int64_t sample, std::int64_t channel) const { return (sample * count + channel) * size; }
  double values() const { return static_cast<double>(samples * size); }  ///< of one channel

  std::int64_t samples, count;
  std::int64_t size;  ///< values of a run
};

/// The values of a channel, counted through the samples, that are part `part` of `parts`: [first, last).
struct PartOfChannel {
  PartOfChannel(const Channels& channels, std::int64_t part, std::int64_t parts)
      : first(part * channels.samples * channels.size / parts), last((part + 1) * channels.samples * channels.size / parts) {}

  /// Calls `body(offset, count)` for the stretch of each sample's run that belongs to the part.
  template <class Body>
  void for_each_stretch(const Channels& channels, std::int64_t channel, Body body) const {
    for (std::int64_t sample = 0; sample < channels.samples; ++sample) {
      const auto begin = std::max(first, sample * channels.size), end = std::min(last, (sample + 1) * channels.size);
      if (begin < end) body(channels.run(sample, channel) + begin - sample * channels.size, end - begin);
    }
  }
  double values() const { return static_cast<double>(last - first); }

  std::int64_t first, last;
};

}  // namespace tandem
