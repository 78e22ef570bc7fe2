#pragma once
// Quantities with a unit in their type: a bare number never crosses a boundary of the house.

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

namespace tandem {

/// A real-valued quantity in the base unit of its dimension (seconds, bytes per second, ...).
template <class Dimension>
struct Quantity {
  double value = 0;

  friend constexpr auto operator<=>(Quantity, Quantity) = default;
  friend constexpr Quantity operator+(Quantity a, Quantity b) { return {a.value + b.value}; }
  friend constexpr Quantity operator-(Quantity a, Quantity b) { return {a.value - b.value}; }
  friend constexpr Quantity operator*(Quantity a, double factor) { return {a.value * factor}; }
  friend constexpr Quantity operator*(double factor, Quantity a) { return {a.value * factor}; }
  friend constexpr Quantity operator/(Quantity a, double divisor) { return {a.value / divisor}; }
  friend constexpr double operator/(Quantity a, Quantity b) { return a.value / b.value; }
  constexpr Quantity& operator+=(Quantity other) { return value += other.value, *this; }
};

using Seconds = Quantity<struct SecondsDimension>;
using BytesPerSecond = Quantity<struct BytesPerSecondDimension>;
using FlopsPerSecond = Quantity<struct FlopsPerSecondDimension>;
using Watts = Quantity<struct WattsDimension>;
using Joules = Quantity<struct JoulesDimension>;
using Hertz = Quantity<struct HertzDimension>;

/// A whole number of bytes. Arithmetic is checked: overflow throws InputError.
struct Bytes {
  std::int64_t count = 0;

  friend constexpr auto operator<=>(Bytes, Bytes) = default;
  friend Bytes operator+(Bytes a, Bytes b);
  friend Bytes operator-(Bytes a, Bytes b);
  friend Bytes operator*(Bytes a, std::int64_t factor);
  Bytes& operator+=(Bytes other) { return *this = *this + other; }
};

/// A whole number of floating-point operations; 128 bits, because real jobs need more than 64.
struct Flops {
  __extension__ using Count = __int128;
  Count count = 0;

  friend constexpr bool operator==(Flops, Flops) = default;
  friend constexpr auto operator<=>(Flops a, Flops b) { return a.count <=> b.count; }
  friend constexpr Flops operator+(Flops a, Flops b) { return {a.count + b.count}; }
  friend constexpr Flops operator*(Flops a, std::int64_t factor) { return {a.count * factor}; }
  constexpr Flops& operator+=(Flops other) { return count += other.count, *this; }
  constexpr double real() const { return static_cast<double>(count); }
};

/// Virtual time, and the clock of every timeline: whole picoseconds, up to about 106 days.
struct Picoseconds {
  std::int64_t count = 0;

  friend constexpr auto operator<=>(Picoseconds, Picoseconds) = default;
  friend constexpr Picoseconds operator+(Picoseconds a, Picoseconds b) { return {a.count + b.count}; }
  friend constexpr Picoseconds operator-(Picoseconds a, Picoseconds b) { return {a.count - b.count}; }
  constexpr Picoseconds& operator+=(Picoseconds other) { return count += other.count, *this; }
};

/// Rounds to the nearest picosecond, and never a positive time to zero. Throws InputError beyond the clock's range.
Picoseconds to_picoseconds(Seconds seconds);
constexpr Seconds to_seconds(Picoseconds time) { return {static_cast<double>(time.count) / 1e12}; }

constexpr Seconds operator/(Bytes size, BytesPerSecond rate) { return {static_cast<double>(size.count) / rate.value}; }
constexpr Seconds operator/(Flops work, FlopsPerSecond rate) { return {work.real() / rate.value}; }
constexpr Joules operator*(Watts power, Seconds time) { return {power.value * time.value}; }

/// Why a text is no quantity: `offset` is the byte at fault, counted from 0.
struct QuantityError {
  std::size_t offset;
  std::string problem;
  std::string want;
};

/// Reads "300 GB/s", "80 GiB", "1.36 TFLOP/s", "5 us", "205 W", "2.5 GHz": SI prefixes, and KiB to TiB for bytes.
/// Refuses nan, inf, missing or foreign units, trailing text, underflow and negative values. Throws QuantityError.
template <class Unit>
Unit parse_quantity(std::string_view text);

/// Whole token as a finite double, independent of locale. Throws QuantityError.
double parse_number(std::string_view text);
/// Whole token as a decimal integer within [low, high]: no sign but '-', no exponent, no hexadecimal. Throws QuantityError.
std::int64_t parse_integer(std::string_view text, std::int64_t low, std::int64_t high);

/// Three significant digits and the prefix that suits: "1.36 TFLOP/s", "80 GiB", "12.4 ms". For people.
template <class Unit>
std::string to_text(Unit quantity);
/// The shortest text that parse_quantity reads back to the same value. For files.
template <class Unit>
std::string to_exact_text(Unit quantity);

}  // namespace tandem
