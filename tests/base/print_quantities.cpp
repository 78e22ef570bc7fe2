#include <rapidcheck.h>

#include <cmath>
#include <limits>

#include "base/units.hpp"
#include "tests/catch.hpp"

using namespace tandem;

namespace {

/// A positive double from all its bit patterns, kept inside what prefixes cannot push out of range.
double any_positive() {
  const double mantissa = 1 + static_cast<double>(*rc::gen::inRange<std::int64_t>(0, std::int64_t{1} << 52)) * 0x1p-52;
  return std::ldexp(mantissa, *rc::gen::inRange(-1000, 1000));
}

template <class Unit>
bool exact_text_reads_back() {
  return rc::check([] {
    const Unit quantity{any_positive()};

    RC_ASSERT(parse_quantity<Unit>(to_exact_text(quantity)) == quantity);
  });
}

}  // namespace

TEST_CASE("a quantity is shown with three digits and the prefix that suits") {
  CHECK(to_text(FlopsPerSecond{1.36e12}) == "1.36 TFLOP/s");
  CHECK(to_text(Seconds{12.4e-3}) == "12.4 ms");
  CHECK(to_text(Seconds{5e-6}) == "5 us");
  CHECK(to_text(Seconds{1.0 / 3}) == "333 ms");
  CHECK(to_text(BytesPerSecond{300e9}) == "300 GB/s");
  CHECK(to_text(Watts{205}) == "205 W");
  CHECK(to_text(Hertz{2.5e9}) == "2.5 GHz");
  CHECK(to_text(Joules{-0.0021}) == "-2.1 mJ");
  CHECK(to_text(Flops{24'159'191'040}) == "24.2 GFLOP");
}

TEST_CASE("bytes are shown in powers of two") {
  CHECK(to_text(Bytes{0}) == "0 B");
  CHECK(to_text(Bytes{1000}) == "1000 B");
  CHECK(to_text(Bytes{1536}) == "1.5 KiB");
  CHECK(to_text(Bytes{85'899'345'920}) == "80 GiB");  // 80 * 2^30
  CHECK(to_text(Bytes{80'000'000'000}) == "74.5 GiB");
  CHECK(to_text(Bytes{-2048}) == "-2 KiB");
  CHECK(to_text(Bytes{std::numeric_limits<std::int64_t>::max()}) == "8.39e+06 TiB");  // 2^23 TiB
}

TEST_CASE("rounding to three digits may carry into the next prefix") {
  CHECK(to_text(Seconds{999.6e-6}) == "1 ms");
  CHECK(to_text(Seconds{999.4e-6}) == "999 us");
  CHECK(to_text(Seconds{9.996e-3}) == "10 ms");
  CHECK(to_text(BytesPerSecond{999.9e9}) == "1 TB/s");
}

TEST_CASE("values beyond all prefixes stay readable") {
  CHECK(to_text(Seconds{12'345}) == "12345 s");
  CHECK(to_text(Seconds{2e-15}) == "0.002 ps");
  CHECK(to_text(Seconds{1e-20}) == "1e-08 ps");
  CHECK(to_text(BytesPerSecond{1e30}) == "1e+18 TB/s");
  CHECK(to_text(Seconds{0}) == "0 s");
  CHECK(to_text(Seconds{std::numeric_limits<double>::infinity()}) == "inf s");
  CHECK(to_text(Flops{Flops::Count{1} << 100}) == "1.27e+06 YFLOP");  // 1.27e30
}

TEST_CASE("the exact text is short where the value is round") {
  CHECK(to_exact_text(Seconds{5e-6}) == "5 us");
  CHECK(to_exact_text(Seconds{0.1}) == "100 ms");
  CHECK(to_exact_text(BytesPerSecond{300e9}) == "300 GB/s");
  CHECK(to_exact_text(FlopsPerSecond{1.36e12}) == "1.36 TFLOP/s");
  CHECK(to_exact_text(Watts{0}) == "0 W");
  CHECK(to_exact_text(Bytes{85'899'345'920}) == "80 GiB");
  CHECK(to_exact_text(Bytes{80'000'000'000}) == "80 GB");
  CHECK(to_exact_text(Bytes{1000}) == "1 kB");
  CHECK(to_exact_text(Bytes{1023}) == "1023 B");
  CHECK(to_exact_text(Bytes{0}) == "0 B");
}

TEST_CASE("the exact text keeps every digit") {
  CHECK(to_exact_text(Seconds{1.0 / 3}) == "333.3333333333333 ms");
  CHECK(to_exact_text(Bytes{9007199254740993}) == "9007199254740993 B");
}

TEST_CASE("the exact text reads back to the same value") {
  CHECK(exact_text_reads_back<Seconds>());
  CHECK(exact_text_reads_back<BytesPerSecond>());
  CHECK(exact_text_reads_back<FlopsPerSecond>());
  CHECK(exact_text_reads_back<Watts>());
  CHECK(exact_text_reads_back<Joules>());
  CHECK(exact_text_reads_back<Hertz>());
}

TEST_CASE("the exact text of bytes reads back to the same count") {
  CHECK(rc::check([] {
    const std::int64_t odd = *rc::gen::inRange<std::int64_t>(0, 1 << 20);
    const int shift = *rc::gen::inRange(0, 43);
    const Bytes size{*rc::gen::element<std::int64_t>(odd << shift, odd * 1'000'000'000, odd)};

    RC_ASSERT(parse_quantity<Bytes>(to_exact_text(size)) == size);
  }));
}

TEST_CASE("the exact text of bytes is never longer than the count in bytes") {
  CHECK(rc::check([] {
    const Bytes size{*rc::gen::inRange<std::int64_t>(0, std::numeric_limits<std::int64_t>::max())};

    RC_ASSERT(to_exact_text(size).size() <= std::to_string(size.count).size() + 2);
  }));
}
