#pragma once
// The columns of a convolution's panel: gathered from padded images, and added back to them.

#include <algorithm>
#include <cstdint>

#include "models/layers/convolution.hpp"

namespace tandem {

/// Samples [sample, sample + samples) and output rows [row, row + rows) of one group.
struct Panel {
  std::int64_t group, sample, samples, row, rows;
  bool follows;  ///< on the panel of the rows above
};

/// Calls `body(panel)` for every panel of the output rows [first, end), in a fixed order: the rows of one sample from top
/// to bottom.
template <class Body>
void for_each_panel(const Convolution& sizes, std::int64_t first, std::int64_t end, Body body) {
  for (std::int64_t group = 0; group < sizes.groups; ++group) {
    for (std::int64_t sample = 0; sample < sizes.samples; sample += sizes.panel_samples) {
      const auto samples = std::min(sizes.panel_samples, sizes.samples - sample);
      for (std::int64_t row = first; row < end; row += sizes.panel_rows) {
        body(Panel{group, sample, samples, row, std::min(sizes.panel_rows, end - row), row > first});
      }
    }
  }
}

template <class Body>
void for_each_panel(const Convolution& sizes, Body body) {
  for_each_panel(sizes, 0, sizes.out_height, body);
}

/// Where the panel's first value of the input or output lies, of a channel's first.
inline std::int64_t input_offset(const Convolution& sizes, const Panel& panel) {
  return (panel.sample * sizes.groups + panel.group) * sizes.in * sizes.height * sizes.width;
}
inline std::int64_t output_offset(const Convolution& sizes, const Panel& panel) {
  return (panel.sample * sizes.groups + panel.group) * sizes.out * sizes.positions() + panel.row * sizes.out_width;
}
inline std::int64_t columns_of(const Convolution& sizes, const Panel& panel) {
  return panel.samples * panel.rows * sizes.out_width;
}

/// Copies what the panel reads of its samples of `x`, and the panels before it have not copied yet, between zeros.
void pad_images(const Convolution& sizes, const Panel& panel, const float* x, float* images);
/// Writes, or adds, the inner part of the images to `x`.
void unpad_images(const Convolution& sizes, const Panel& panel, const float* images, bool accumulate, float* x);

/// depth() rows of columns_of(panel) values: for each window, all values that it reads.
void gather_columns(const Convolution& sizes, const Panel& panel, const float* images, float* columns);
/// Adds each value of the columns to the one of the images that it was gathered from.
void scatter_columns(const Convolution& sizes, const Panel& panel, const float* columns, float* images);

/// The panel's outputs as a matrix of out rows and columns_of(panel) columns, and back. A bias, where not null, is added.
void gather_outputs(const Convolution& sizes, const Panel& panel, const float* y, float* staged);
void scatter_outputs(const Convolution& sizes, const Panel& panel, const float* staged, const float* bias, float* y);

}  // namespace tandem
