#pragma once
// Winograd's transforms of whole rows of tiles, and their adjoints (1509.09308, section 4.1).
//
// A line is a row of an image, its even columns first and its odd ones `half` values later, so that neighbours of all tiles
// of a row are neighbours in memory. The k-th values of a row of tiles lie side by side, `stride` values behind the (k-1)-th.

#include <cstdint>

namespace tandem {

/// `count` values, alternately to `first` and `second`; and back, where the values are written or added.
void deal(const float* from, std::int64_t count, float* first, float* second);
void collect(const float* first, const float* second, std::int64_t count, bool accumulate, float* to);

struct TileRow {
  std::int64_t tiles, half, stride;

  void input(const float* lines, float* values) const;             ///< B^T d B of four lines
  void add_input_gradient(const float* values, float* lines) const;  ///< B v B^T, added to four lines
  void output(const float* values, float* lines) const;            ///< A^T m A, two lines
  void output_gradient(const float* lines, float* values) const;   ///< A d A^T of two lines
};

/// G g G^T of nine weights, and G^T u G, which is added to nine gradients.
void transform_weight(const float* weight, float* values, std::int64_t stride);
void add_weight_gradient(const float* values, std::int64_t stride, float* gradient);

}  // namespace tandem
