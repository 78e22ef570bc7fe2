#pragma once
// The sizes of a 2-d convolution by Winograd's F(2x2, 3x3) (Lavin and Gray, 1509.09308).
//
// A tile of 4 x 4 inputs gives 2 x 2 outputs. Tiles overlap by two rows and columns; each is transformed into 16 values, and
// so are the weights of each pair of channels. The k-th values of all tiles, times those of the weights, are a matrix product:
// 16 products do with 16 multiplications a tile and pair of channels what windows need 36 for.

#include <cstdint>

#include "models/layers/convolution.hpp"

namespace tandem {

inline constexpr std::int64_t kWinogradValues = 16;  ///< of a transformed tile, and of transformed weights

struct Winograd {
  explicit Winograd(const LayerContext& context) : sizes(context) {}

  /// 3 x 3 windows that move by one and read neighbours.
  static bool suits(const Windows& windows);

  std::int64_t tile_rows() const { return (sizes.out_height + 1) / 2; }
  std::int64_t tile_columns() const { return (sizes.out_width + 1) / 2; }
  std::int64_t tiles() const { return sizes.samples * tile_rows() * tile_columns(); }

  /// Floats of scratch, of one group: all tiles of the input and of the output, the weights, and one padded channel.
  std::int64_t input_size() const { return kWinogradValues * sizes.in * tiles(); }
  std::int64_t output_size() const { return kWinogradValues * sizes.out * tiles(); }
  std::int64_t weight_size() const { return kWinogradValues * sizes.in * sizes.out; }
  /// Rows of a padded channel hold their even columns first, then the odd ones.
  std::int64_t half_width() const { return tile_columns() + 1; }
  std::int64_t plane_height() const { return 2 * tile_rows() + 2; }
  std::int64_t plane_size() const { return plane_height() * 2 * half_width(); }
  std::int64_t scratch_size() const { return input_size() + output_size() + weight_size() + plane_size(); }

  Convolution sizes;
};

}  // namespace tandem
