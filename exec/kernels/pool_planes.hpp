#pragma once
// A pool works on planes: each sample's channel by itself, a row of outputs and a tap at a time.

#include <algorithm>

#include "exec/kernels/arguments.hpp"
#include "models/layers/windows.hpp"

namespace tandem {

struct PoolSizes {
  template <class Real>
  explicit PoolSizes(const KernelArguments<Real>& arguments)
      : windows(*arguments.attributes),
        planes(arguments.batch * arguments.input_specs[0].dims[0]),
        height(arguments.input_specs[0].dims[1]),
        width(arguments.input_specs[0].dims[2]),
        out_height(arguments.output_spec->dims[1]),
        out_width(arguments.output_spec->dims[2]) {
    const OutputRectangle asked = output_rectangle(arguments);
    rows = asked.rows;
    columns = asked.columns;
  }

  /// Calls `body(first, count)`: outputs side by side. All but the asked ones stay as they are.
  template <class Body>
  void for_each_run(Body body) const {
    const bool whole_rows = columns.count == out_width;
    const std::int64_t runs = whole_rows ? 1 : rows.count, length = (whole_rows ? rows.count : 1) * columns.count;
    for (std::int64_t plane = 0; plane < planes; ++plane)
      for (std::int64_t run = 0; run < runs; ++run)
        body((plane * out_height + rows.first + run) * out_width + columns.first, length);
  }

  /// Calls `body(x, y, tap, count)`: a tap reads `count` values from `x` on, a stride apart, for the outputs from `y` on.
  /// Every output gets its taps in ascending order.
  template <class Body>
  void for_each_stretch(Body body) const {
    for (std::int64_t at = 0; at < planes * rows.count; ++at) {
      const auto row = at / rows.count * out_height + rows.first + at % rows.count;
      const auto plane = row / out_height * height * width;
      for (std::int64_t tap = 0; tap < windows.taps(); ++tap) {
        const auto right = tap % windows.width.kernel;
        const auto from = windows.height.at(row % out_height, tap / windows.width.kernel);
        if (from < 0 || from >= height) continue;
        const auto inside = windows.width.positions_inside(right, width, out_width);
        const auto first = std::max(inside.first, columns.first), last = std::min(inside.last, columns.end());
        const auto x = plane + from * width + windows.width.at(first, right);
        if (first < last) body(x, row * out_width + first, tap, last - first);
      }
    }
  }

  Windows windows;
  std::int64_t planes, height, width, out_height, out_width;
  OutputRange rows, columns;  ///< of the output: those asked for
};

/// What the sum under the window at an output row and column is divided by.
inline std::int64_t values_under(const PoolSizes& sizes, bool with_padding, std::int64_t row, std::int64_t column) {
  if (with_padding) return sizes.windows.taps();
  const auto inside = [](const Window& window, std::int64_t position, std::int64_t size) {
    std::int64_t count = 0;
    for (std::int64_t tap = 0; tap < window.kernel; ++tap) {
      count += window.at(position, tap) >= 0 && window.at(position, tap) < size;
    }
    return count;
  };
  return inside(sizes.windows.height, row, sizes.height) * inside(sizes.windows.width, column, sizes.width);
}

}  // namespace tandem
