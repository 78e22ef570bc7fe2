#include "exec/kernels/convolution_panel.hpp"

#include <algorithm>
#include <array>
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

/// Calls `body(offset in the images, offset in the columns)` for each sample and tap: where its first output row begins, the
/// others a row of windows apart. In the order of the columns.
template <class Body>
void for_each_tap(const Convolution& sizes, const Panel& panel, Body body) {
  const auto &down = sizes.windows.height, &right = sizes.windows.width;
  const auto width = sizes.padded_width(), channel_size = sizes.padded_height() * width;
  const auto first = panel.rows.first * down.stride * width + panel.columns.first * right.stride;
  const auto outputs = panel.rows.count * panel.columns.count;
  std::int64_t to = 0;
  for (std::int64_t channel = 0; channel < sizes.in; ++channel) {
    for (std::int64_t tap = 0; tap < sizes.windows.taps(); ++tap) {
      const auto shift = tap / right.kernel * down.dilation * width + tap % right.kernel * right.dilation;
      for (std::int64_t sample = 0; sample < panel.samples; ++sample, to += outputs) {
        body((sample * sizes.in + channel) * channel_size + shift + first, to);
      }
    }
  }
}

/// `rows` rows of `width` values, `step` apart, side by side. Narrow rows are a known number of vectors each, of which the
/// last may touch what the next row, or slack, overwrites.
template <std::int64_t Vectors>
void copy_narrow_rows(const float* from, std::int64_t step, std::int64_t rows, std::int64_t width, float* to) {
  for (std::int64_t row = 0; row < rows; ++row, from += step, to += width) {
    std::memcpy(to, from, Vectors * kVector * sizeof(float));
  }
}

void copy_rows(const float* from, std::int64_t step, std::int64_t rows, std::int64_t width, float* to) {
  switch ((width + kVector - 1) / kVector) {
    case 1: return copy_narrow_rows<1>(from, step, rows, width, to);
    case 2: return copy_narrow_rows<2>(from, step, rows, width, to);
    case 4: return copy_narrow_rows<4>(from, step, rows, width, to);
    default: break;
  }
  for (std::int64_t row = 0; row < rows; ++row, from += step, to += width) copy_vectors(from, width, to);
}

/// Adds rows of `width` values to rows that are `step` apart. A known width makes the inner loop a few vectors.
template <std::int64_t Width>
void add_narrow_rows(const float* from, std::int64_t rows, float* to, std::int64_t step) {
  for (std::int64_t row = 0; row < rows; ++row, from += Width, to += step) {
    std::array<float, Width> sums;  // apart from both, so that vectors may be formed
    for (std::size_t at = 0; at < Width; ++at) sums[at] = to[at] + from[at];
    std::copy_n(sums.begin(), Width, to);
  }
}

void add_rows(const float* from, std::int64_t rows, std::int64_t width, float* to, std::int64_t step) {
  switch (width) {
    case 8: return add_narrow_rows<8>(from, rows, to, step);
    case 16: return add_narrow_rows<16>(from, rows, to, step);
    case 32: return add_narrow_rows<32>(from, rows, to, step);
    default: break;
  }
  for (std::int64_t row = 0; row < rows; ++row, from += width, to += step) add_strided(from, 1, width, to);
}

/// Of row `row` of a channel between its zeros, the columns [first, end); all zeros above and below the channel.
void pad_row(const Convolution& sizes, const float* channel, std::int64_t row, std::int64_t first, std::int64_t end,
             float* padded) {
  const Window& right = sizes.windows.width;
  const bool inside = row >= 0 && row < sizes.height;
  const auto from = std::clamp(inside ? right.before : end, first, end);
  const auto to = std::clamp(inside ? right.before + sizes.width : end, from, end);
  std::fill(padded + first, padded + from, 0.0F);
  std::copy_n(channel + row * sizes.width + from - right.before, to - from, padded + from);
  std::fill(padded + to, padded + end, 0.0F);
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
  const Window &down = sizes.windows.height, &right = sizes.windows.width;
  const auto end = (panel.rows.end() - 1) * down.stride + down.reach();
  const auto read_before = panel.follows ? (panel.rows.first - 1) * down.stride + down.reach() : 0;
  const auto first = std::max(panel.rows.first * down.stride, read_before);
  const auto left = panel.columns.first * right.stride, end_right = (panel.columns.end() - 1) * right.stride + right.reach();
  for (std::int64_t sample = 0; sample < panel.samples; ++sample) {
    for (std::int64_t channel = 0; channel < sizes.in; ++channel) {
      const float* const plain = x + (sample * sizes.groups * sizes.in + channel) * sizes.height * sizes.width;
      float* const padded = images + (sample * sizes.in + channel) * sizes.padded_height() * sizes.padded_width();
      for (auto row = first; row < end; ++row) {
        pad_row(sizes, plain, row - down.before, left, end_right, padded + row * sizes.padded_width());
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
  const auto stride = sizes.windows.width.stride, rows = panel.rows.count, width = panel.columns.count;
  const auto step = sizes.windows.height.stride * sizes.padded_width();
  for_each_tap(sizes, panel, [&](std::int64_t from, std::int64_t to) {
    if (stride == 1) return copy_rows(images + from, step, rows, width, columns + to);
    for (std::int64_t row = 0; row < rows; ++row) {
      copy_strided(images + from + row * step, stride, width, columns + to + row * width);
    }
  });
}

void scatter_columns(const Convolution& sizes, const Panel& panel, const float* columns, float* images) {
  const auto stride = sizes.windows.width.stride, rows = panel.rows.count, width = panel.columns.count;
  const auto step = sizes.windows.height.stride * sizes.padded_width();
  for_each_tap(sizes, panel, [&](std::int64_t to, std::int64_t from) {
    if (stride == 1) return add_rows(columns + from, rows, width, images + to, step);
    for (std::int64_t row = 0; row < rows; ++row) {
      add_strided(columns + from + row * width, stride, width, images + to + row * step);
    }
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
  const bool whole_rows = panel.columns.count == sizes.out_width;
  const auto runs = whole_rows ? 1 : panel.rows.count, length = (whole_rows ? panel.rows.count : 1) * panel.columns.count;
  const auto positions = sizes.positions(), sample_size = sizes.groups * sizes.out * positions;
  for (std::int64_t channel = 0; channel < sizes.out; ++channel) {
    const float shift = bias == nullptr ? 0 : bias[channel];
    for (std::int64_t sample = 0; sample < panel.samples; ++sample) {
      for (std::int64_t run = 0; run < runs; ++run, staged += length) {
        float* const to = y + sample * sample_size + channel * positions + run * sizes.out_width;
        for (std::int64_t at = 0; at < length; ++at) to[at] = staged[at] + shift;
      }
    }
  }
}

}  // namespace tandem
