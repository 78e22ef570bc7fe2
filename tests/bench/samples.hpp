#pragma once
// Repeated timings of one action, told as a median with its spread.

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <vector>

namespace tandem {

class Samples {
 public:
  template <class Action>
  void time(Action action) {
    const auto start = std::chrono::steady_clock::now();
    action();
    seconds_.push_back(std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
  }

  /// The value below which `share` of the samples lie.
  double quantile(double share) {
    const auto at = static_cast<std::ptrdiff_t>(share * static_cast<double>(seconds_.size() - 1));
    std::nth_element(seconds_.begin(), seconds_.begin() + at, seconds_.end());
    return seconds_[static_cast<std::size_t>(at)];
  }
  double median() { return quantile(0.5); }
  /// 10th to 90th percentile, as a share of the median.
  double spread() { return (quantile(0.9) - quantile(0.1)) / median(); }

 private:
  std::vector<double> seconds_;
};

}  // namespace tandem
