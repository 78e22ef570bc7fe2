#pragma once
// Convolutions of few filters: windows are multiplied where they lie, in registers, without columns.
//
// A value of a column is used once for each filter. Where there are few, laying columns out costs more than using them.

#include <cstdint>

#include "models/layers/convolution.hpp"
#include "plan/output_rectangle.hpp"

namespace tandem {

/// One sample and group, [channels, height, width], that windows slide over.
struct SlidImage {
  const float* values;  ///< padded
  std::int64_t channels, height, width;
};

/// What the sums are written to: a rectangle of `count` planes of `positions` values and `width` columns, a multiple of
/// Convolution::kLanes.
struct SlidSums {
  float* values;
  std::int64_t count, positions, width;
  OutputRectangle rectangle;
  const float* bias;  ///< null: sums begin at zero
  bool accumulate;
};

/// The packed weights: for each four planes, channel and tap the four weights. `weight(plane, channel, tap)` gives them.
template <class Weight>
void pack_weights(std::int64_t planes, std::int64_t channels, std::int64_t taps, Weight weight, float* packed) {
  for (std::int64_t block = 0; block < planes; block += 4)
    for (std::int64_t channel = 0; channel < channels; ++channel)
      for (std::int64_t tap = 0; tap < taps; ++tap)
        for (std::int64_t plane = block; plane < block + 4; ++plane)
          *packed++ = plane < planes ? weight(plane, channel, tap) : 0.0F;
}

/// Every window's values times the weights of each plane.
void slide(const SlidImage& image, std::int64_t kernel_height, std::int64_t kernel_width, const float* packed,
           const SlidSums& sums);

/// Adds to `partial` what the gradients of the weights owe to one sample: for each four filters, channel and tap vectors of
/// Convolution::kLanes sums. Windows are three values wide, rows a multiple of kLanes.
void slide_weight_gradient(const Convolution& sizes, const float* padded, const float* dy, float* partial);
/// Adds the vectors' sums to the gradients.
void add_partial_sums(const Convolution& sizes, const float* partial, float* gradient);

}  // namespace tandem
