// Interpolation in what was measured: curves of one size, grids of product shapes, counts of threads.

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "hardware_profiles/device.hpp"

namespace tandem {
namespace {

constexpr std::size_t kNeighbours = 8;  // the corners of one cell of a regular grid
using Shape = std::array<double, 3>;    // log2 of m, n, k

Shape shape_of(const ProductRates::Point& point) {
  return {std::log2(static_cast<double>(point.m)), std::log2(static_cast<double>(point.n)),
          std::log2(static_cast<double>(point.k))};
}

/// The nearest shape inside the smallest box around all points.
Shape clamped(Shape shape, const std::vector<ProductRates::Point>& points) {
  Shape low = shape_of(points.front()), high = low;
  for (const ProductRates::Point& point : points) {
    const Shape other = shape_of(point);
    for (std::size_t axis = 0; axis < shape.size(); ++axis) {
      low[axis] = std::min(low[axis], other[axis]);
      high[axis] = std::max(high[axis], other[axis]);
    }
  }
  for (std::size_t axis = 0; axis < shape.size(); ++axis) shape[axis] = std::clamp(shape[axis], low[axis], high[axis]);
  return shape;
}

struct Neighbour {
  double distance;
  std::size_t index;  // decides between equal distances
  auto operator<=>(const Neighbour&) const = default;
};

std::vector<Neighbour> nearest(const Shape& shape, const std::vector<ProductRates::Point>& points) {
  std::vector<Neighbour> found;
  for (std::size_t index = 0; index < points.size(); ++index) {
    const Shape other = shape_of(points[index]);
    found.push_back({std::hypot(shape[0] - other[0], shape[1] - other[1], shape[2] - other[2]), index});
  }
  const std::size_t kept = std::min(found.size(), kNeighbours + 1);
  std::partial_sort(found.begin(), found.begin() + static_cast<std::ptrdiff_t>(kept), found.end());
  found.resize(kept);
  return found;
}

/// Franke and Little's weights (in Barnhill, "Representation and approximation of surfaces", 1977): they fall to zero
/// at the first point left out, so the rate has no jump where the set of neighbours changes.
double weight_of(double distance, double horizon) {
  const double factor = std::isinf(horizon) ? 1 / distance : (horizon - distance) / (horizon * distance);
  return factor * factor;
}

}  // namespace

BytesPerSecond RateCurve::at(Bytes size) const {
  invariant(!points.empty(), "a curve has points");
  const auto above = std::lower_bound(points.begin(), points.end(), size,
                                      [](const Point& point, Bytes wanted) { return point.size < wanted; });
  if (above == points.end()) return points.back().rate;
  if (above == points.begin() || above->size == size) return above->rate;
  const Point& below = *(above - 1);
  const auto logarithm = [](Bytes bytes) { return std::log(static_cast<double>(bytes.count)); };
  const double share = (logarithm(size) - logarithm(below.size)) / (logarithm(above->size) - logarithm(below.size));
  return below.rate * std::pow(above->rate / below.rate, share);
}

FlopsPerSecond ProductRates::at(std::int64_t m, std::int64_t n, std::int64_t k) const {
  invariant(!points.empty(), "a grid has points");
  invariant(m > 0 && n > 0 && k > 0, "a product has a shape");
  const Shape wanted = clamped(shape_of({m, n, k, {}}), points);
  std::vector<Neighbour> found = nearest(wanted, points);
  if (found.front().distance == 0) return points[found.front().index].rate;
  double horizon = std::numeric_limits<double>::infinity();
  if (found.size() > kNeighbours) {
    const double last = found.back().distance;
    if (last > found.front().distance) horizon = last, found.pop_back();
  }
  double weights = 0, logarithms = 0;
  for (const Neighbour& neighbour : found) {
    const double weight = weight_of(neighbour.distance, horizon);
    weights += weight;
    logarithms += weight * std::log(points[neighbour.index].rate.value);
  }
  return {std::exp(logarithms / weights)};
}

double Concurrency::at(std::int64_t threads) const {
  if (points.empty()) return 1;
  const auto above = std::lower_bound(points.begin(), points.end(), threads,
                                      [](const Point& point, std::int64_t wanted) { return point.threads < wanted; });
  if (above == points.end()) return points.back().slowdown;
  if (above == points.begin() || above->threads == threads) return above->slowdown;
  const Point& below = *(above - 1);
  const auto beyond = [&](std::int64_t count) { return static_cast<double>(count - below.threads); };
  const double share = beyond(threads) / beyond(above->threads);
  return below.slowdown + share * (above->slowdown - below.slowdown);
}

}  // namespace tandem
