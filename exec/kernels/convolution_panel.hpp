#pragma once
// The columns of a convolution's panel: gathered from padded images, and added back to them.

#include <algorithm>
#include <cstdint>

#include "models/layers/convolution.hpp"
#include "plan/output_rectangle.hpp"

namespace tandem {

/// A rectangle of the outputs of samples [sample, sample + samples) of one group.
struct Panel {
  std::int64_t group, sample, samples;
  OutputRange rows, columns;
  bool follows;  ///< on the panel of the rows above
};

inline std::int64_t windows_of(const Panel& panel) { return panel.samples * panel.rows.count * panel.columns.count; }
/// The results do not lie as the output does: they are of several samples, or their rows lie apart.
inline bool is_staged(const Convolution& sizes, const Panel& panel) {
  return sizes.is_staged() || (panel.rows.count > 1 && panel.columns.count < sizes.out_width);
}

/// Rows of a panel over `columns` columns of one sample. Results of narrower panels are staged behind what their windows
/// read, in the same memory; where that is too small for two rows, a row of results lies as the output does.
inline std::int64_t rows_of_panel(const Convolution& sizes, std::int64_t columns) {
  if (columns == sizes.out_width || sizes.panel_samples > 1) return sizes.panel_rows;
  const std::int64_t room = sizes.columns_size() - 2 * (Convolution::kSlack + Convolution::kLine);
  return std::max<std::int64_t>(1, room / ((sizes.depth() + sizes.out) * columns));
}

/// Calls `body(panel)` for every panel of the rectangle, in a fixed order: the rows of one sample from top to bottom.
template <class Body>
void for_each_panel(const Convolution& sizes, const OutputRectangle& rectangle, Body body) {
  if (rectangle.values() == 0) return;
  const OutputRange& rows = rectangle.rows;
  const std::int64_t height = rows_of_panel(sizes, rectangle.columns.count);
  for (std::int64_t group = 0; group < sizes.groups; ++group) {
    for (std::int64_t sample = 0; sample < sizes.samples; sample += sizes.panel_samples) {
      const auto samples = std::min(sizes.panel_samples, sizes.samples - sample);
      for (std::int64_t row = rows.first; row < rows.end(); row += height) {
        const OutputRange own{row, std::min(height, rows.end() - row)};
        body(Panel{group, sample, samples, own, rectangle.columns, row > rows.first});
      }
    }
  }
}

template <class Body>
void for_each_panel(const Convolution& sizes, Body body) {
  for_each_panel(sizes, {{0, sizes.out_height}, {0, sizes.out_width}}, body);
}

/// Where the panel's first value of the input or output lies, of a channel's first.
inline std::int64_t input_offset(const Convolution& sizes, const Panel& panel) {
  return (panel.sample * sizes.groups + panel.group) * sizes.in * sizes.height * sizes.width;
}
inline std::int64_t output_offset(const Convolution& sizes, const Panel& panel) {
  return (panel.sample * sizes.groups + panel.group) * sizes.out * sizes.positions() +
         panel.rows.first * sizes.out_width + panel.columns.first;
}

/// Copies what the panel reads of its samples of `x`, and the panels before it have not copied yet, between zeros.
void pad_images(const Convolution& sizes, const Panel& panel, const float* x, float* images);
/// Writes, or adds, the inner part of the images to `x`.
void unpad_images(const Convolution& sizes, const Panel& panel, const float* images, bool accumulate, float* x);

/// depth() rows of windows_of(panel) values: for each window, all values that it reads.
void gather_columns(const Convolution& sizes, const Panel& panel, const float* images, float* columns);
/// Adds each value of the columns to the one of the images that it was gathered from.
void scatter_columns(const Convolution& sizes, const Panel& panel, const float* columns, float* images);

/// The panel's outputs as a matrix of out rows and windows_of(panel) columns, and back. A bias, where not null, is added.
void gather_outputs(const Convolution& sizes, const Panel& panel, const float* y, float* staged);
void scatter_outputs(const Convolution& sizes, const Panel& panel, const float* staged, const float* bias, float* y);

}  // namespace tandem
