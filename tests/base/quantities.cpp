#include <limits>

#include "base/error.hpp"
#include "base/id.hpp"
#include "base/units.hpp"
#include "tests/catch.hpp"

using namespace tandem;

namespace {

enum class WorkerId : std::uint32_t {};

constexpr std::int64_t kMostBytes = std::numeric_limits<std::int64_t>::max();

}  // namespace

TEST_CASE("arithmetic on bytes is exact") {
  Bytes total{1};
  total += Bytes{2};

  CHECK(total.count == 3);
  CHECK((Bytes{5} - Bytes{7}).count == -2);
  CHECK((Bytes{3} * 4).count == 12);
  CHECK((Bytes{kMostBytes - 1} + Bytes{1}).count == kMostBytes);
}

TEST_CASE("a million devices of 100 TB overflow 64 bits and say so") {
  CHECK_THROWS_AS(Bytes{100'000'000'000'000} * 1'000'000, InputError);  // 1e20 > 9.2e18
  CHECK_THROWS_AS(Bytes{kMostBytes} + Bytes{1}, InputError);
  CHECK_THROWS_AS(Bytes{-kMostBytes} - Bytes{2}, InputError);
  CHECK_THROWS_WITH(Bytes{kMostBytes} * 2, Catch::Contains("bytes exceeds 64 bits"));
}

TEST_CASE("dividing work by a rate gives its time") {
  CHECK((Bytes{600} / BytesPerSecond{300}).value == 2);
  CHECK((Flops{Flops::Count{1} << 70} / FlopsPerSecond{0x1p70}).value == 1);
  CHECK((Watts{200} * Seconds{3}).value == 600);
}

TEST_CASE("seconds become the nearest picosecond") {
  CHECK(to_picoseconds(Seconds{5e-6}).count == 5'000'000);
  CHECK(to_picoseconds(Seconds{1.4e-12}).count == 1);
  CHECK(to_picoseconds(Seconds{1.6e-12}).count == 2);
  CHECK(to_picoseconds(Seconds{0}).count == 0);
  CHECK(to_seconds(Picoseconds{2'000'000'000'000}).value == Approx(2).epsilon(1e-15));
}

TEST_CASE("a positive time never becomes zero") {
  CHECK(to_picoseconds(Seconds{1e-30}).count == 1);
  CHECK(to_picoseconds(Seconds{std::numeric_limits<double>::denorm_min()}).count == 1);
}

TEST_CASE("a time beyond the clock is refused and does not wrap") {
  const Seconds last{9'223'372};      // 2^63 ps = 9223372.04 s
  const Seconds beyond{9'223'373};
  const Seconds slowest = Bytes{1} / BytesPerSecond{1e-300};

  CHECK(to_picoseconds(last).count == 9'223'372'000'000'000'000);
  CHECK_THROWS_WITH(to_picoseconds(beyond), Catch::Contains("exceeds the clock") && Catch::Contains("9223373 s"));
  CHECK_THROWS_AS(to_picoseconds(slowest), InputError);
  CHECK_THROWS_AS(to_picoseconds(Seconds{std::numeric_limits<double>::infinity()}), InputError);
  CHECK_THROWS_AS(to_picoseconds(Seconds{std::numeric_limits<double>::quiet_NaN()}), InputError);
}

TEST_CASE("an id is an index, and no object has the value of none") {
  CHECK(index_of(WorkerId{7}) == 7);
  CHECK(index_of(kNone<WorkerId>) == std::numeric_limits<std::uint32_t>::max());
}
