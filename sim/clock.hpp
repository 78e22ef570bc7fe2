#pragma once
// Sums of virtual time that refuse to wrap: the clock holds 2^63 picoseconds, about 106 days.

#include <cmath>
#include <cstdint>

namespace tandem {

/// Throws InputError: the iteration takes longer than the clock can tell.
[[noreturn]] void refuse_time_beyond_clock();

/// `time` + `duration`. Throws InputError beyond the clock's range.
inline std::int64_t later(std::int64_t time, std::int64_t duration) {
  std::int64_t sum = 0;
  if (__builtin_add_overflow(time, duration, &sum)) [[unlikely]]
    refuse_time_beyond_clock();
  return sum;
}

/// The nearest whole picosecond, ties to even. Throws InputError beyond the clock's range.
inline std::int64_t to_whole_picoseconds(double picoseconds) {
  if (!(picoseconds < 9.2e18)) [[unlikely]]
    refuse_time_beyond_clock();
  return std::llrint(picoseconds);
}

}  // namespace tandem
