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

/// Those of the vector's values that stand in the columns [first, end); its first stands in `column`.
void put_some(float* to, const Vector& value, bool accumulate, std::int64_t column, const OutputRange& columns) {
  std::array<float, kVector> values;
  pstoreu(values.data(), value);
  const auto first = std::max<std::int64_t>(0, columns.first - column), end = std::min(kVector, columns.end() - column);
  for (auto at = first; at < end; ++at) {
    const float found = values[static_cast<std::size_t>(at)];
    to[at] = accumulate ? to[at] + found : found;
  }
}

/// Vectors that cover the rectangle, row by row.
struct CoveringVectors {
  explicit CoveringVectors(const OutputRectangle& asked)
      : rectangle(asked), first(asked.columns.first / kVector),
        per_row((asked.columns.end() + kVector - 1) / kVector - first) {}

  std::int64_t count() const { return rectangle.rows.count * per_row; }
  std::int64_t row(std::int64_t at) const { return rectangle.rows.first + at / per_row; }
  std::int64_t column(std::int64_t at) const { return (first + at % per_row) * kVector; }
  bool is_whole(std::int64_t column) const {
    return rectangle.columns.first <= column && column + kVector <= rectangle.columns.end();
  }

  OutputRectangle rectangle;
  std::int64_t first, per_row;
};

}  // namespace

void slide(const SlidImage& image, std::int64_t kernel_height, std::int64_t kernel_width, const float* packed,
           const SlidSums& sums) {
  const CoveringVectors vectors(sums.rectangle);
  const std::int64_t of_planes = image.channels * kernel_height * kernel_width * kPlanes, end = vectors.count();
  for (std::int64_t plane = 0; plane < sums.count; plane += kPlanes, packed += of_planes) {
    const std::int64_t planes = std::min(kPlanes, sums.count - plane);
    const float* const bias = sums.bias == nullptr ? nullptr : sums.bias + plane;
    for (std::int64_t at = 0; at < end; at += kVectors) {
      Beginnings windows;
      for (std::int64_t v = 0; v < kVectors; ++v) {
        const std::int64_t vector = std::min(at + v, end - 1);
        windows[static_cast<std::size_t>(v)] = vectors.row(vector) * image.width + vectors.column(vector);
      }
      const Sums found = multiplied(image, kernel_height, kernel_width, packed, windows, starting_with(bias, planes));
      for (std::int64_t v = 0; v < std::min(kVectors, end - at); ++v) {
        const std::int64_t column = vectors.column(at + v);
        float* const to = sums.values + plane * sums.positions + vectors.row(at + v) * sums.width + column;
        for (std::int64_t p = 0; p < planes; ++p) {
          const Vector& value = found[static_cast<std::size_t>(v)][static_cast<std::size_t>(p)];
          if (vectors.is_whole(column)) put(to + p * sums.positions, value, sums.accumulate);
          else put_some(to + p * sums.positions, value, sums.accumulate, column, sums.rectangle.columns);
        }
      }
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
