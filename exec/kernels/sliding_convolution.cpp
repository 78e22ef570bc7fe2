#include "exec/kernels/sliding_convolution.hpp"

#include <Eigen/Core>

#include <algorithm>
#include <array>

namespace tandem {

namespace {

using Vector = Eigen::internal::find_best_packet<float, Convolution::kLanes>::type;
constexpr std::int64_t kVector = Eigen::internal::unpacket_traits<Vector>::size;
static_assert(Convolution::kLanes % kVector == 0);

using Eigen::internal::padd;
using Eigen::internal::pmadd;
using Eigen::internal::pstoreu;

Vector load(const float* from) { return Eigen::internal::ploadu<Vector>(from); }
Vector all(float value) { return Eigen::internal::pset1<Vector>(value); }

constexpr std::int64_t kPlanes = 4, kVectors = 3;  // their sums, and what they are made of, fill 16 registers

/// Some vectors of positions times four planes' weights.
using Sums = std::array<std::array<Vector, kPlanes>, kVectors>;
/// Where the windows of each vector begin in a channel.
using Beginnings = std::array<std::int64_t, kVectors>;

Sums starting_with(const float* bias, std::int64_t planes) {
  Sums sums;
  for (auto& vector : sums)
    for (std::size_t plane = 0; plane < kPlanes; ++plane)
      vector[plane] = all(bias != nullptr && static_cast<std::int64_t>(plane) < planes ? bias[plane] : 0.0F);
  return sums;
}

Sums multiplied(const SlidImage& image, std::int64_t kernel_height, std::int64_t kernel_width, const float* packed,
                const Beginnings& windows, Sums sums) {
  const float* channel = image.values;
  for (std::int64_t c = 0; c < image.channels; ++c, channel += image.height * image.width)
    for (std::int64_t y = 0; y < kernel_height; ++y) {
      const float* const row = channel + y * image.width;
      for (std::int64_t x = 0; x < kernel_width; ++x, packed += kPlanes) {
        std::array<Vector, kVectors> values;
        for (std::size_t v = 0; v < kVectors; ++v) values[v] = load(row + windows[v] + x);
        for (std::size_t plane = 0; plane < kPlanes; ++plane) {
          const Vector weight = all(packed[plane]);
          for (std::size_t v = 0; v < kVectors; ++v) sums[v][plane] = pmadd(weight, values[v], sums[v][plane]);
        }
      }
    }
  return sums;
}

void put(float* to, const Vector& value, bool accumulate) { pstoreu(to, accumulate ? padd(load(to), value) : value); }

}  // namespace

void slide(const SlidImage& image, std::int64_t kernel_height, std::int64_t kernel_width, const float* packed,
           const SlidSums& sums) {
  const std::int64_t per_row = sums.width / kVector, end = sums.end * per_row;
  const std::int64_t of_planes = image.channels * kernel_height * kernel_width * kPlanes;
  for (std::int64_t plane = 0; plane < sums.count; plane += kPlanes, packed += of_planes) {
    const std::int64_t planes = std::min(kPlanes, sums.count - plane);
    const float* const bias = sums.bias == nullptr ? nullptr : sums.bias + plane;
    for (std::int64_t at = sums.first * per_row; at < end; at += kVectors) {
      Beginnings windows;
      for (std::int64_t v = 0; v < kVectors; ++v) {
        const std::int64_t vector = std::min(at + v, end - 1);
        windows[static_cast<std::size_t>(v)] = vector / per_row * image.width + vector % per_row * kVector;
      }
      const Sums found = multiplied(image, kernel_height, kernel_width, packed, windows, starting_with(bias, planes));
      for (std::int64_t v = 0; v < std::min(kVectors, end - at); ++v)
        for (std::int64_t p = 0; p < planes; ++p)
          put(sums.values + (plane + p) * sums.positions + (at + v) * kVector,
              found[static_cast<std::size_t>(v)][static_cast<std::size_t>(p)], sums.accumulate);
    }
  }
}

namespace {

constexpr std::int64_t kTaps = 3;

/// Rows of one channel times those of four filters' gradients, for three taps.
void add_products(const Convolution& sizes, const float* rows, std::array<const float*, kPlanes> dy, float* partial) {
  std::array<std::array<Vector, kTaps>, kPlanes> sums;
  for (std::size_t filter = 0; filter < kPlanes; ++filter)
    for (std::size_t tap = 0; tap < kTaps; ++tap) sums[filter][tap] = load(partial + (filter * kTaps + tap) * kVector);
  for (std::int64_t row = 0; row < sizes.out_height; ++row, rows += sizes.padded_width())
    for (std::int64_t column = 0; column < sizes.out_width; column += kVector) {
      const float* const window = rows + column;
      const std::array<Vector, kTaps> x{load(window), load(window + 1), load(window + 2)};
      for (std::size_t filter = 0; filter < kPlanes; ++filter) {
        const Vector gradient = load(dy[filter] + row * sizes.out_width + column);
        for (std::size_t tap = 0; tap < kTaps; ++tap) sums[filter][tap] = pmadd(gradient, x[tap], sums[filter][tap]);
      }
    }
  for (std::size_t filter = 0; filter < kPlanes; ++filter)
    for (std::size_t tap = 0; tap < kTaps; ++tap) pstoreu(partial + (filter * kTaps + tap) * kVector, sums[filter][tap]);
}

/// Calls `act(first filter, channel, row of taps, place of the sums)`, in the order of the sums.
template <class Act>
void for_each_sum(const Convolution& sizes, Act act) {
  std::int64_t at = 0;
  for (std::int64_t filter = 0; filter < sizes.out; filter += kPlanes)
    for (std::int64_t channel = 0; channel < sizes.in; ++channel)
      for (std::int64_t y = 0; y < sizes.windows.height.kernel; ++y, at += kPlanes * kTaps * kVector)
        act(filter, channel, y, at);
}

}  // namespace

void slide_weight_gradient(const Convolution& sizes, const float* padded, const float* dy, float* partial) {
  for_each_sum(sizes, [&](std::int64_t filter, std::int64_t channel, std::int64_t y, std::int64_t at) {
    std::array<const float*, kPlanes> gradients;
    for (std::int64_t f = 0; f < kPlanes; ++f)  // beyond the last filter: the last again, whose sums nobody reads
      gradients[static_cast<std::size_t>(f)] = dy + std::min(filter + f, sizes.out - 1) * sizes.positions();
    add_products(sizes, padded + (channel * sizes.padded_height() + y) * sizes.padded_width(), gradients, partial + at);
  });
}

void add_partial_sums(const Convolution& sizes, const float* partial, float* gradient) {
  for_each_sum(sizes, [&](std::int64_t filter, std::int64_t channel, std::int64_t y, std::int64_t at) {
    for (std::int64_t f = 0; f < std::min(kPlanes, sizes.out - filter); ++f)
      for (std::int64_t tap = 0; tap < kTaps; ++tap)
        gradient[((filter + f) * sizes.in + channel) * sizes.windows.taps() + y * kTaps + tap] +=
            Eigen::internal::predux(load(partial + at + (f * kTaps + tap) * kVector));
  });
}

}  // namespace tandem
