#include "exec/stored_values.hpp"

#include <cstring>

#include "base/error.hpp"

namespace tandem {
namespace {

bool is_short(ElementType type) {
  invariant(is_real(type), "values of a real type");
  return type == ElementType::bfloat16;
}

/// An exponent of ones stands for infinities and NaN. Branch-free over whole blocks, as nearly all are finite.
template <class Bits>
std::int64_t first_with(const std::byte* values, std::int64_t count, Bits exponent) {
  constexpr std::int64_t kBlock = 4096;
  const auto* bits = reinterpret_cast<const Bits*>(values);
  for (std::int64_t first = 0; first < count; first += kBlock) {
    const std::int64_t end = first + kBlock < count ? first + kBlock : count;
    Bits found = 0;
    for (std::int64_t i = first; i < end; ++i) found |= static_cast<Bits>((bits[i] & exponent) == exponent);
    for (std::int64_t i = first; found != 0 && i < end; ++i)
      if ((bits[i] & exponent) == exponent) return i;
  }
  return count;
}

}  // namespace

void widen_values(const Bfloat16* __restrict from, std::int64_t count, float* __restrict to) {
  for (std::int64_t i = 0; i < count; ++i) to[i] = widened(from[i]);
}

void round_values(const float* __restrict from, std::int64_t count, Bfloat16* __restrict to) {
  for (std::int64_t i = 0; i < count; ++i) to[i] = rounded(from[i]);
}

void add_values(ElementType type, const std::byte* __restrict from, std::int64_t count, std::byte* __restrict to) {
  if (is_short(type)) {
    const auto* __restrict other = reinterpret_cast<const Bfloat16*>(from);
    auto* __restrict sum = reinterpret_cast<Bfloat16*>(to);
    for (std::int64_t i = 0; i < count; ++i) sum[i] = rounded(widened(sum[i]) + widened(other[i]));
    return;
  }
  const auto* __restrict other = reinterpret_cast<const float*>(from);
  auto* __restrict sum = reinterpret_cast<float*>(to);
  for (std::int64_t i = 0; i < count; ++i) sum[i] += other[i];
}

void read_values(ElementType type, const std::byte* from, std::int64_t count, float* to) {
  if (is_short(type)) return widen_values(reinterpret_cast<const Bfloat16*>(from), count, to);
  std::memcpy(to, from, static_cast<std::size_t>(count) * sizeof(float));
}

void write_values(const float* from, std::int64_t count, ElementType type, std::byte* to) {
  if (is_short(type)) return round_values(from, count, reinterpret_cast<Bfloat16*>(to));
  std::memcpy(to, from, static_cast<std::size_t>(count) * sizeof(float));
}

std::int64_t first_not_finite(ElementType type, const std::byte* values, std::int64_t count) {
  return is_short(type) ? first_with<std::uint16_t>(values, count, 0x7f80)
                        : first_with<std::uint32_t>(values, count, 0x7f800000);
}

}  // namespace tandem
