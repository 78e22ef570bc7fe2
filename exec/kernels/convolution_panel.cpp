#include "exec/kernels/convolution_panel.hpp"

#include <algorithm>
#include <cstring>

namespace tandem {

namespace {

constexpr std::int64_t kVector = 8;
static_assert(kVector <= Convolution::kSlack);

/// Copies whole vectors: up to seven values behind both ends are touched, and whoever writes next overwrites them.
void copy_vectors(const float* from, std::int64_t count, float* to) {
  for (std::int64_t at = 0; at < count; at += kVector) std::memcpy(to + at, from + at, kVector * sizeof(float));
}

void copy_strided(const float* from, std::int64_t stride, std::int64_t count, float* to) {
  if (stride == 1) return copy_vectors(from, count, to);
  if (stride == 2) {
    for (std::int64_t at = 0; at < count; ++at) to[at] = from[2 * at];
    return;
  }
  for (std::int64_t at = 0; at < count; ++at) to[at] = from[stride * at];
}

void add_strided(const float* from, std::int64_t stride, std::int64_t count, float* to) {
  if (stride == 1) {
    for (std::int64_t at = 0; at < count; ++at) to[at] += from[at];
  } else {
    for (std::int64_t at = 0; at < count; ++at) to[stride * at] += from[at];
  }
}

/// Calls `body(offset in the images)` for each output row of each sample and tap, in the order of the columns.
template <class Body>
void for_each_row(const Convolution& sizes, const Panel& panel, Body body) {
  const auto &down = sizes.windows.height, &right = sizes.windows.width;
  const auto width = sizes.padded_width(), channel_size = sizes.padded_height() * width;
  for (std::int64_t channel = 0; channel < sizes.in; ++channel) {
    for (std::int64_t tap = 0; tap < sizes.windows.taps(); ++tap) {
      const auto shift = tap / right.kernel * down.dilation * width + tap % right.kernel * right.dilation;
      for (std::int64_t sample = 0; sample < panel.samples; ++sample) {
        const auto start = (sample * sizes.in + channel) * channel_size + shift;
        for (auto row = panel.row; row < panel.row + panel.rows; ++row) body(start + row * down.stride * width);
      }
    }
  }
}

/// Row `row` of a channel between its zeros; all zeros above and below the channel.
void pad_row(const Convolution& sizes, const float* channel, std::int64_t row, float* padded) {
  const Window& right = sizes.windows.width;
  if (row < 0 || row >= sizes.height) {
    std::fill_n(padded, sizes.padded_width(), 0.0F);
    return;
  }
  std::fill_n(padded, right.before, 0.0F);
  std::copy_n(channel + row * sizes.width, sizes.width, padded + right.before);
  std::fill_n(padded + right.before + sizes.width, right.after, 0.0F);
}

/// Calls `body(row of the padded images, row of x)` for the rows of all channels of the panel's samples.
template <class Body>
void for_each_image_row(const Convolution& sizes, const Panel& panel, Body body) {
  const auto first = sizes.windows.height.before * sizes.padded_width() + sizes.windows.width.before;
  for (std::int64_t sample = 0; sample < panel.samples; ++sample) {
    const auto sample_start = sample * sizes.groups * sizes.in * sizes.height * sizes.width;
    for (std::int64_t channel = 0; channel < sizes.in; ++channel) {
      const auto padded = (sample * sizes.in + channel) * sizes.padded_height() * sizes.padded_width() + first;
      const auto plain = sample_start + channel * sizes.height * sizes.width;
      for (std::int64_t row = 0; row < sizes.height; ++row) {
        body(padded + row * sizes.padded_width(), plain + row * sizes.width);
      }
    }
  }
}

}  // namespace

void pad_images(const Convolution& sizes, const Panel& panel, const float* x, float* images) {
  const Window& down = sizes.windows.height;
  const auto end = (panel.row + panel.rows - 1) * down.stride + down.reach();
  const auto read_before = panel.follows ? (panel.row - 1) * down.stride + down.reach() : 0;
  const auto first = std::max(panel.row * down.stride, read_before);
  for (std::int64_t sample = 0; sample < panel.samples; ++sample) {
    for (std::int64_t channel = 0; channel < sizes.in; ++channel) {
      const float* const plain = x + (sample * sizes.groups * sizes.in + channel) * sizes.height * sizes.width;
      float* const padded = images + (sample * sizes.in + channel) * sizes.padded_height() * sizes.padded_width();
      for (auto row = first; row < end; ++row) {
        pad_row(sizes, plain, row - down.before, padded + row * sizes.padded_width());
      }
    }
  }
  const auto size = panel.samples * sizes.in * sizes.padded_height() * sizes.padded_width();
  std::fill_n(images + size, Convolution::kSlack, 0.0F);
}

void unpad_images(const Convolution& sizes, const Panel& panel, const float* images, bool accumulate, float* x) {
  for_each_image_row(sizes, panel, [&](std::int64_t padded, std::int64_t plain) {
    if (accumulate) {
      add_strided(images + padded, 1, sizes.width, x + plain);
    } else {
      std::copy_n(images + padded, sizes.width, x + plain);
    }
  });
}

void gather_columns(const Convolution& sizes, const Panel& panel, const float* images, float* columns) {
  const auto stride = sizes.windows.width.stride, width = sizes.out_width;
  for_each_row(sizes, panel, [&, at = columns](std::int64_t from) mutable {
    copy_strided(images + from, stride, width, at);
    at += width;
  });
}

void scatter_columns(const Convolution& sizes, const Panel& panel, const float* columns, float* images) {
  const auto stride = sizes.windows.width.stride, width = sizes.out_width;
  for_each_row(sizes, panel, [&, at = columns](std::int64_t to) mutable {
    add_strided(at, stride, width, images + to);
    at += width;
  });
}

void gather_outputs(const Convolution& sizes, const Panel& panel, const float* y, float* staged) {
  const auto positions = sizes.positions(), sample_size = sizes.groups * sizes.out * positions;
  for (std::int64_t channel = 0; channel < sizes.out; ++channel) {
    for (std::int64_t sample = 0; sample < panel.samples; ++sample, staged += positions) {
      std::copy_n(y + sample * sample_size + channel * positions, positions, staged);
    }
  }
}

void scatter_outputs(const Convolution& sizes, const Panel& panel, const float* staged, const float* bias, float* y) {
  const auto count = panel.rows * sizes.out_width;
  const auto positions = sizes.positions(), sample_size = sizes.groups * sizes.out * positions;
  for (std::int64_t channel = 0; channel < sizes.out; ++channel) {
    const float shift = bias == nullptr ? 0 : bias[channel];
    for (std::int64_t sample = 0; sample < panel.samples; ++sample, staged += count) {
      float* const to = y + sample * sample_size + channel * positions;
      for (std::int64_t at = 0; at < count; ++at) to[at] = staged[at] + shift;
    }
  }
}

}  // namespace tandem
