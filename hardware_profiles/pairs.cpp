#include "hardware_profiles/pairs.hpp"

#include <algorithm>
#include <cmath>

#include "base/error.hpp"

namespace tandem {
namespace {

/// Index of the first pair whose lower thing is `low`.
std::uint64_t first_of(std::uint64_t low, std::uint64_t things) { return low * (2 * things - low - 1) / 2; }

}  // namespace

std::uint64_t pair_index(Pair pair, std::uint64_t things) {
  const auto [low, high] = std::minmax(pair.first, pair.second);
  invariant(low < high && high < things, "a pair is of two different things");
  return first_of(low, things) + (high - low - 1);
}

Pair pair_at(std::uint64_t index, std::uint64_t things) {
  invariant(index < pair_count(things), "the pair exists");
  // The root of low (2n - low - 1) / 2 = index, then one step either way for what rounding did.
  const double twice = 2.0 * static_cast<double>(things) - 1;
  const double root = (twice - std::sqrt(std::max(0.0, twice * twice - 8.0 * static_cast<double>(index)))) / 2;
  auto low = static_cast<std::uint64_t>(root);
  while (low > 0 && first_of(low, things) > index) --low;
  while (first_of(low + 1, things) <= index) ++low;
  return {static_cast<std::uint32_t>(low), static_cast<std::uint32_t>(low + 1 + index - first_of(low, things))};
}

}  // namespace tandem
