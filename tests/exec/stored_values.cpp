// bfloat16 as it is stored: rounded to nearest, ties to even, and what is finite, infinite or no number stays so.

#include "exec/stored_values.hpp"

#include <cmath>
#include <limits>
#include <vector>

#include "base/random.hpp"
#include "tests/catch.hpp"

using namespace tandem;

namespace {

float stored(float value) { return widened(rounded(value)); }

}  // namespace

TEST_CASE("a value halfway between two that are stored becomes the even one") {
  // Between 1 and 2 stored values are 2^-7 apart.
  CHECK(stored(1 + 0x1p-8f) == 1.0f);                    // halfway, below it an even last bit
  CHECK(stored(1 + 3 * 0x1p-8f) == 1 + 2 * 0x1p-7f);     // halfway, above it an even last bit
  CHECK(stored(1 + 0x1p-8f + 0x1p-20f) == 1 + 0x1p-7f);  // beyond the half
  CHECK(stored(-1 - 3 * 0x1p-8f) == -1 - 2 * 0x1p-7f);
  CHECK(stored(2 - 0x1p-9f) == 2.0f);                    // carries into the exponent
}

TEST_CASE("zeros keep their sign, and the smallest values are rounded like others") {
  CHECK(std::signbit(stored(-0.0f)));
  CHECK(stored(0x1p-133f) == 0x1p-133f);  // the smallest that is stored
  CHECK(stored(0x1p-134f) == 0.0f);       // halfway to it
  CHECK(stored(0x1p-134f + 0x1p-149f) == 0x1p-133f);
}

TEST_CASE("what is too large becomes infinite, and a NaN stays one whatever its bits") {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();

  CHECK(stored(kInfinity) == kInfinity);
  CHECK(stored(-kInfinity) == -kInfinity);
  CHECK(stored(std::numeric_limits<float>::max()) == kInfinity);
  CHECK(std::isnan(stored(std::numeric_limits<float>::quiet_NaN())));
  CHECK(std::isnan(stored(std::bit_cast<float>(0x7f800001u))));  // its only set bit of fraction is cut off
  CHECK(std::isnan(stored(std::bit_cast<float>(0xffffffffu))));  // a carry would make it a zero
}

TEST_CASE("no stored value is nearer than the one that rounding takes") {
  constexpr std::uint64_t kSeed = 20261130;
  for (std::uint64_t i = 0; i < 20'000; ++i) {
    const auto bits = static_cast<std::uint32_t>(below_at(kSeed, i, 0, 0x7f000000));
    const float value = std::bit_cast<float>(bits);
    const auto chosen = static_cast<std::uint16_t>(rounded(value));
    const auto distance = [&](int step) {
      const auto other = static_cast<Bfloat16>(static_cast<std::uint16_t>(chosen + step));
      return std::abs(static_cast<double>(widened(other)) - static_cast<double>(value));
    };
    INFO("seed " << kSeed << ", number " << i << ", bits " << bits);

    CHECK(distance(0) <= distance(1));
    if (chosen > 0) CHECK(distance(0) <= distance(-1));
    if (value >= std::numeric_limits<float>::min()) CHECK(distance(0) <= 0x1p-8 * static_cast<double>(value));
  }
}

TEST_CASE("sums are of the stored values, and are rounded once") {
  const std::vector<float> first{1.0f, 256.0f, -3.0f}, second{0x1p-8f, 1.0f, 3.0f};
  std::vector<Bfloat16> sum(3), other(3);
  round_values(first.data(), 3, sum.data());
  round_values(second.data(), 3, other.data());

  add_values(ElementType::bfloat16, reinterpret_cast<const std::byte*>(other.data()), 3,
             reinterpret_cast<std::byte*>(sum.data()));

  CHECK(widened(sum[0]) == 1.0f);    // 1 + 2^-8 is halfway
  CHECK(widened(sum[1]) == 256.0f);  // 257 is halfway between 256 and 258
  CHECK(widened(sum[2]) == 0.0f);
}

TEST_CASE("the first value that is not finite is found") {
  std::vector<float> values(10'000, 1.0f);
  std::vector<Bfloat16> half(values.size());
  values[5'000] = std::numeric_limits<float>::infinity();
  values[7'000] = std::numeric_limits<float>::quiet_NaN();
  round_values(values.data(), 10'000, half.data());

  CHECK(first_not_finite(ElementType::float32, reinterpret_cast<const std::byte*>(values.data()), 10'000) == 5'000);
  CHECK(first_not_finite(ElementType::bfloat16, reinterpret_cast<const std::byte*>(half.data()), 10'000) == 5'000);
  CHECK(first_not_finite(ElementType::bfloat16, reinterpret_cast<const std::byte*>(half.data()), 5'000) == 5'000);
}
