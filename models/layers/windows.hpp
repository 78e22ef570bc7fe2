#pragma once
// Windows that slide over the height and width of an image: the attributes of convolutions and pools, and their positions.

#include <array>
#include <cstdint>
#include <string>

#include "models/layer.hpp"
#include "models/layers/parts.hpp"

namespace tandem {

/// A window over one dimension. Position `p` reads at p * stride - before + tap * dilation for each tap below `kernel`.
struct Window {
  std::int64_t kernel = 1, stride = 1, dilation = 1, before = 0, after = 0;

  std::int64_t reach() const { return dilation * (kernel - 1) + 1; }  ///< from the first tap to the last, both included
  /// Positions over `size` values with their paddings; 0 where the window does not fit.
  std::int64_t positions(std::int64_t size) const;
  /// Where the tap reads at this position; outside [0, size): padding.
  std::int64_t at(std::int64_t position, std::int64_t tap) const { return position * stride - before + tap * dilation; }

  struct Range {
    std::int64_t first, last;  ///< [first, last)
  };
  /// The positions below `count` at which the tap reads one of the `size` values.
  Range positions_inside(std::int64_t tap, std::int64_t size, std::int64_t count) const;
};

/// The windows of a layer over an image [channels, height, width].
struct Windows {
  Window height, width;

  explicit Windows(const Attributes& attributes);
  bool is_pointwise() const;  ///< 1 x 1, stride 1, no padding: every position is one value
  std::int64_t taps() const { return height.kernel * width.kernel; }
};

inline constexpr auto kWindowAttributes = std::to_array<AttributeSpec>({
    {"kernel_height", {}, 1, kLargestSize, "rows of the window", true, true},
    {"kernel_width", {}, 1, kLargestSize, "columns of the window", true, true},
    {"stride_height", 1, 1, kLargestSize, "rows from one window to the next", true, true},
    {"stride_width", 1, 1, kLargestSize, "columns from one window to the next", true, true},
    {"padding_top", 0, 0, kLargestSize, "rows put before the first", true, true},
    {"padding_bottom", 0, 0, kLargestSize, "rows put behind the last", true, true},
    {"padding_left", 0, 0, kLargestSize, "columns put before the first", true, true},
    {"padding_right", 0, 0, kLargestSize, "columns put behind the last", true, true},
    {"dilation_height", 1, 1, kLargestSize, "rows from one tap to the next", true, true},
    {"dilation_width", 1, 1, kLargestSize, "columns from one tap to the next", true, true},
});

/// Both lists, one behind the other.
template <std::size_t First, std::size_t Second>
constexpr std::array<AttributeSpec, First + Second> joined(const std::array<AttributeSpec, First>& first,
                                                           const std::array<AttributeSpec, Second>& second) {
  std::array<AttributeSpec, First + Second> all{};
  for (std::size_t at = 0; at < First; ++at) all[at] = first[at];
  for (std::size_t at = 0; at < Second; ++at) all[First + at] = second[at];
  return all;
}

/// Throws InputError unless the input is an image: float, channels x height x width.
void want_image(const TensorSpec& input);
/// [channels, positions over the height, positions over the width]. Throws InputError where a window does not fit.
TensorSpec image_under_windows(const Windows& windows, const TensorSpec& image, std::int64_t channels);

inline constexpr SlidingWindow kHeightWindow{"kernel_height", "stride_height", "dilation_height", "padding_top",
                                             "padding_bottom"};
inline constexpr SlidingWindow kWidthWindow{"kernel_width", "stride_width", "dilation_width", "padding_left",
                                            "padding_right"};

}  // namespace tandem
