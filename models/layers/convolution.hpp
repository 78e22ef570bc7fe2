#pragma once
// The sizes of a 2-d convolution, and how its kernels cut it into matrix products.
//
// For each group, the windows of a few samples or rows are laid out as the columns of a matrix, a row for each value that
// a window reads; the product with the weights is the output. Such a panel of columns is as wide as products need to be
// fast, and no wider than the cache wants.

#include <cstdint>

#include "models/layers/windows.hpp"

namespace tandem {

struct Convolution {
  explicit Convolution(const LayerContext& context);

  std::int64_t depth() const { return in * windows.taps(); }                ///< values that one window reads
  std::int64_t positions() const { return out_height * out_width; }        ///< windows over one sample
  std::int64_t padded_height() const { return height + windows.height.before + windows.height.after; }
  std::int64_t padded_width() const { return width + windows.width.before + windows.width.after; }
  std::int64_t panel_columns() const { return panel_samples * panel_rows * out_width; }  ///< at most
  /// The input of one sample and group can be multiplied as it lies.
  bool is_direct() const { return windows.is_pointwise() && panel_samples == 1; }
  /// The results of one panel do not lie as the output does.
  bool is_staged() const { return panel_samples > 1; }

  /// Floats of scratch: the padded images, the columns, the staged outputs, each followed by kSlack values that whole
  /// vectors may touch.
  static constexpr std::int64_t kSlack = 16, kLine = 16;
  static std::int64_t with_slack(std::int64_t count);  ///< room for values and the slack, in whole cache lines
  std::int64_t images_size() const;
  std::int64_t columns_size() const;
  std::int64_t staged_size() const;

  Windows windows;
  std::int64_t samples, groups;
  std::int64_t in, height, width;          ///< channels per group
  std::int64_t out, out_height, out_width;
  std::int64_t panel_samples, panel_rows;  ///< more than one sample: all their rows
};

}  // namespace tandem
