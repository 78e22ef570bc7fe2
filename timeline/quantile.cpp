#include "timeline/quantile.hpp"

#include <algorithm>
#include <cmath>

#include "base/error.hpp"

namespace tandem {

double quantile(std::span<double> values, double q) {
  invariant(!values.empty() && q >= 0 && q <= 1, "a quantile is of at least one value and between 0 and 1");
  const double place = q * static_cast<double>(values.size() - 1);
  const auto below = values.begin() + static_cast<std::ptrdiff_t>(std::floor(place));
  std::nth_element(values.begin(), below, values.end());
  const double fraction = place - std::floor(place);
  if (fraction == 0) return *below;
  const double above = *std::min_element(below + 1, values.end());
  return *below + fraction * (above - *below);
}

}  // namespace tandem
