#pragma once
// Repeats an action and tells how long it takes.

#include <algorithm>
#include <chrono>
#include <vector>

#include "base/units.hpp"

namespace tandem {

inline Seconds median_of(std::vector<double> seconds) {
  const auto middle = seconds.begin() + static_cast<std::ptrdiff_t>(seconds.size() / 2);
  std::nth_element(seconds.begin(), middle, seconds.end());
  return {*middle};
}

/// Median over at least `least` calls that together take at least `enough`; one call before them is not counted.
template <class Action>
Seconds time_of(Action action, std::size_t least = 5, Seconds enough = {0.004}) {
  using Clock = std::chrono::steady_clock;
  action();
  std::vector<double> seconds;
  double total = 0;
  while (seconds.size() < least || total < enough.value) {
    const auto start = Clock::now();
    action();
    seconds.push_back(std::chrono::duration<double>(Clock::now() - start).count());
    total += seconds.back();
  }
  return median_of(std::move(seconds));
}

}  // namespace tandem
