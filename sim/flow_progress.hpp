#pragma once
// How far a flow is: a straight line since its last change of rate.

#include <algorithm>
#include <cstdint>

#include "sim/clock.hpp"

namespace tandem {

struct FlowProgress {
  double left;         ///< bytes x 10^12, so that left / rate is in picoseconds
  double rate;         ///< bytes per second; 0 until it is solved
  std::int64_t since;  ///< when `left` held

  static FlowProgress of(double bytes, std::int64_t since) { return {bytes * 1e12, 0, since}; }
  void change_rate(double to, std::int64_t now) {
    left = std::max(0.0, left - rate * static_cast<double>(now - since));
    rate = to;
    since = now;
  }
  /// At least one picosecond after the last change. Throws InputError beyond the clock.
  std::int64_t end() const { return later(since, std::max<std::int64_t>(1, to_whole_picoseconds(left / rate))); }
};

}  // namespace tandem
