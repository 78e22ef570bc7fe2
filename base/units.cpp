#include "base/units.hpp"

#include <cmath>

#include "base/error.hpp"

namespace tandem {

namespace {

constexpr double kPicosecondsPerSecond = 1e12;
constexpr double kClockRange_ps = 0x1p63;

Bytes checked(bool overflow, std::int64_t count) {
  if (overflow) throw InputError("a number of bytes exceeds 64 bits", {}, "at most 9223372036854775807 bytes");
  return {count};
}

}  // namespace

Bytes operator+(Bytes a, Bytes b) {
  std::int64_t sum = 0;
  const bool overflow = __builtin_add_overflow(a.count, b.count, &sum);
  return checked(overflow, sum);
}

Bytes operator-(Bytes a, Bytes b) {
  std::int64_t difference = 0;
  const bool overflow = __builtin_sub_overflow(a.count, b.count, &difference);
  return checked(overflow, difference);
}

Bytes operator*(Bytes a, std::int64_t factor) {
  std::int64_t product = 0;
  const bool overflow = __builtin_mul_overflow(a.count, factor, &product);
  return checked(overflow, product);
}

Picoseconds to_picoseconds(Seconds seconds) {
  const double exact_ps = seconds.value * kPicosecondsPerSecond;
  if (!(std::abs(exact_ps) < kClockRange_ps)) {
    throw InputError("a duration exceeds the clock", to_exact_text(seconds), "less than 106 days (9.22e6 s)");
  }
  const std::int64_t rounded = std::llround(exact_ps);
  return {rounded == 0 && seconds.value > 0 ? 1 : rounded};
}

}  // namespace tandem
