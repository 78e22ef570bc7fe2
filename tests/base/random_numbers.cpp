#include "base/random.hpp"

#include <cmath>
#include <set>

#include "base/error.hpp"
#include "tests/catch.hpp"

using namespace tandem;

using Words = std::array<std::uint32_t, 4>;

TEST_CASE("philox gives the known answers of Random123 (kat_vectors, philox4x32 10)") {
  CHECK(philox(0, 0, 0) == Words{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8});
  CHECK(philox(~0ULL, ~0ULL, ~0ULL) == Words{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd});
  // counter 243f6a88 85a308d3 13198a2e 03707344, key a4093822 299f31d0: the digits of pi
  CHECK(philox(0x299f31d0a4093822, 0x0370734413198a2e, 0x85a308d3243f6a88) ==
        Words{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1});
}

TEST_CASE("a stream id is the FNV-1a hash of its name") {
  CHECK(stream_of("") == 0xcbf29ce484222325);
  CHECK(stream_of("a") == 0xaf63dc4c8601ec8c);
  CHECK(stream_of("foobar") == 0x85944171f73967e8);
}

TEST_CASE("a value depends on seed, stream and index and on nothing else") {
  const float first = uniform_at(1, 2, 3);

  CHECK(uniform_at(1, 2, 3) == first);
  CHECK(uniform_at(2, 2, 3) != first);
  CHECK(uniform_at(1, 3, 3) != first);
  CHECK(uniform_at(1, 2, 4) != first);
  CHECK(uniform_at(1, 3, 2) != first);
}

TEST_CASE("a uniform value is a multiple of 2^-24 from 0 to below 1") {
  for (std::uint64_t index = 0; index < 1000; ++index) {
    const float value = uniform_at(7, 0, index);

    REQUIRE((value >= 0 && value < 1));
    REQUIRE(std::ldexp(value, 24) == std::floor(std::ldexp(value, 24)));
  }
  CHECK(uniform_at(0, 0, 0) == static_cast<float>(0x6627e8) * 0x1p-24F);  // the upper 24 bits of 6627e8d5
}

TEST_CASE("normal values have mean 0 and variance 1") {
  constexpr int count = 100'000;
  double sum = 0;
  double squares = 0;

  for (std::uint64_t index = 0; index < count; ++index) {
    const double value = normal_at(11, 5, index);
    sum += value;
    squares += value * value;
  }

  CHECK(std::abs(sum / count) < 0.0127);         // 4 standard errors of 1/sqrt(100000)
  CHECK(std::abs(squares / count - 1) < 0.0179);  // 4 standard errors of sqrt(2/100000)
}

TEST_CASE("a normal value is the Box-Muller transform of the first two words") {
  // words 6627e8d5 e169c58d: u = 0.39904647, v = 0.88052020; sqrt(-2 ln u) cos(2 pi v) = 1.3554906 * 0.7312022
  CHECK(normal_at(0, 0, 0) == Approx(0.9911377).epsilon(1e-6));
}

TEST_CASE("integers below a bound reach each value about equally often") {
  std::array<int, 6> counts{};

  for (std::uint64_t index = 0; index < 60'000; ++index) ++counts[below_at(3, 1, index, 6)];

  for (const int count : counts) CHECK(std::abs(count - 10'000) < 366);  // 4 sigma, sigma = sqrt(60000 * 1/6 * 5/6)
}

TEST_CASE("integers below 1 are 0, below 2^63 spread over the range, and below 0 are our own bug") {
  std::set<std::uint64_t> upper_bits;

  for (std::uint64_t index = 0; index < 64; ++index) upper_bits.insert(below_at(3, 1, index, 1ULL << 63) >> 60);

  CHECK(below_at(9, 9, 9, 1) == 0);
  CHECK(upper_bits.size() == 8);  // 3 bits, 64 draws: all seen for this seed
  CHECK_THROWS_AS(below_at(0, 0, 0, 0), InvariantError);
}
