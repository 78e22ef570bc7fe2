#pragma once
// Real values as they lie in buffers: float, or bfloat16, which is widened to compute with and rounded to be stored.

#include <bit>
#include <cstddef>
#include <cstdint>

#include "models/element_type.hpp"

namespace tandem {

/// The upper half of a float: its sign, its exponent, and 7 of its 23 bits of fraction.
enum class Bfloat16 : std::uint16_t {};

inline float widened(Bfloat16 value) { return std::bit_cast<float>(static_cast<std::uint32_t>(value) << 16); }

/// To nearest, ties to even, so within 2^-8 of a normal value; above the largest finite one to infinity. A NaN stays one.
inline Bfloat16 rounded(float value) {
  constexpr std::uint32_t kMagnitude = 0x7fffffff, kInfinity = 0x7f800000, kQuiet = 0x00400000, kHalf = 0x7fff;
  const auto bits = std::bit_cast<std::uint32_t>(value);
  const std::uint32_t nearest = bits + kHalf + (bits >> 16 & 1);
  return static_cast<Bfloat16>(((bits & kMagnitude) > kInfinity ? bits | kQuiet : nearest) >> 16);
}

void widen_values(const Bfloat16* from, std::int64_t count, float* to);
void round_values(const float* from, std::int64_t count, Bfloat16* to);

/// to += from, value by value: summed in float, and rounded once where that is not how they are stored. The two do not
/// overlap. `type`: a real one.
void add_values(ElementType type, const std::byte* from, std::int64_t count, std::byte* to);
/// The same values as floats.
void read_values(ElementType type, const std::byte* from, std::int64_t count, float* to);
void write_values(const float* from, std::int64_t count, ElementType type, std::byte* to);
/// Index of the first value that is infinite or no number; `count` where all are finite.
std::int64_t first_not_finite(ElementType type, const std::byte* values, std::int64_t count);

}  // namespace tandem
