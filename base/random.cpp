#include "base/random.hpp"

#include <cmath>
#include <numbers>

#include "base/error.hpp"

namespace tandem {

namespace {

using Words = std::array<std::uint32_t, 4>;

constexpr std::uint32_t low_word(std::uint64_t value) { return static_cast<std::uint32_t>(value); }
constexpr std::uint32_t high_word(std::uint64_t value) { return static_cast<std::uint32_t>(value >> 32); }

Words philox_round(const Words& counter, std::uint32_t key_low, std::uint32_t key_high) {
  const std::uint64_t product_0 = std::uint64_t{0xD2511F53} * counter[0];
  const std::uint64_t product_1 = std::uint64_t{0xCD9E8D57} * counter[2];
  return {high_word(product_1) ^ counter[1] ^ key_low, low_word(product_1),
          high_word(product_0) ^ counter[3] ^ key_high, low_word(product_0)};
}

}  // namespace

std::array<std::uint32_t, 4> philox(std::uint64_t key, std::uint64_t counter_high, std::uint64_t counter_low) {
  Words words{low_word(counter_low), high_word(counter_low), low_word(counter_high), high_word(counter_high)};
  std::uint32_t key_low = low_word(key);
  std::uint32_t key_high = high_word(key);
  for (int round = 0; round < 10; ++round) {
    words = philox_round(words, key_low, key_high);
    key_low += 0x9E3779B9U;   // golden ratio
    key_high += 0xBB67AE85U;  // sqrt(3) - 1
  }
  return words;
}

std::uint64_t stream_of(std::string_view name) {
  std::uint64_t hash = 0xcbf29ce484222325U;
  for (const char byte : name) hash = (hash ^ static_cast<unsigned char>(byte)) * 0x100000001b3U;
  return hash;
}

float uniform_at(std::uint64_t seed, std::uint64_t stream, std::uint64_t index) {
  return static_cast<float>(philox(seed, stream, index)[0] >> 8) * 0x1p-24F;
}

float normal_at(std::uint64_t seed, std::uint64_t stream, std::uint64_t index) {
  const Words words = philox(seed, stream, index);
  const double above_zero = (static_cast<double>(words[0]) + 1) * 0x1p-32;
  const double turn = static_cast<double>(words[1]) * 0x1p-32;
  return static_cast<float>(std::sqrt(-2 * std::log(above_zero)) * std::cos(2 * std::numbers::pi * turn));
}

std::uint64_t below_at(std::uint64_t seed, std::uint64_t stream, std::uint64_t index, std::uint64_t bound) {
  invariant(bound > 0, "below_at needs a positive bound");
  __extension__ using Wide = unsigned __int128;
  const Words words = philox(seed, stream, index);
  const std::uint64_t bits = std::uint64_t{words[1]} << 32 | words[0];
  return static_cast<std::uint64_t>(Wide{bits} * bound >> 64);  // bias below bound / 2^64
}

}  // namespace tandem
