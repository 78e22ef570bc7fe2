#include <clocale>
#include <locale>

#include "base/units.hpp"
#include "tests/catch.hpp"

using namespace tandem;

namespace {

template <class Unit>
std::string refusal(std::string_view text) {
  try {
    parse_quantity<Unit>(text);
  } catch (const QuantityError& error) {
    return std::to_string(error.offset) + ": " + error.problem;
  }
  return "accepted";
}

template <class Unit>
std::string want(std::string_view text) {
  try {
    parse_quantity<Unit>(text);
  } catch (const QuantityError& error) {
    return error.want;
  }
  return "accepted";
}

/// A locale that writes 1.5 as 1,5 and 1000 as 1.000, as de_DE does.
struct GermanNumbers : std::numpunct<char> {
  char do_decimal_point() const override { return ','; }
  char do_thousands_sep() const override { return '.'; }
  std::string do_grouping() const override { return "\3"; }
};

}  // namespace

TEST_CASE("each dimension is read with its units") {
  CHECK(parse_quantity<Bytes>("512 B").count == 512);
  CHECK(parse_quantity<Seconds>("5 us").value == 5e-6);
  CHECK(parse_quantity<BytesPerSecond>("300 GB/s").value == 300e9);
  CHECK(parse_quantity<FlopsPerSecond>("1.36 TFLOP/s").value == 1.36e12);
  CHECK(parse_quantity<Watts>("205 W").value == 205);
  CHECK(parse_quantity<Joules>("3.5 kJ").value == 3500);
  CHECK(parse_quantity<Hertz>("2.5 GHz").value == 2.5e9);
}

TEST_CASE("prefixes of bytes count in thousands or in 1024s") {
  CHECK(parse_quantity<Bytes>("3 kB").count == 3'000);
  CHECK(parse_quantity<Bytes>("3 MB").count == 3'000'000);
  CHECK(parse_quantity<Bytes>("3 GB").count == 3'000'000'000);
  CHECK(parse_quantity<Bytes>("3 TB").count == 3'000'000'000'000);
  CHECK(parse_quantity<Bytes>("3 KiB").count == 3'072);
  CHECK(parse_quantity<Bytes>("3 MiB").count == 3'145'728);
  CHECK(parse_quantity<Bytes>("3 GiB").count == 3'221'225'472);
  CHECK(parse_quantity<Bytes>("3 TiB").count == 3'298'534'883'328);
  CHECK(parse_quantity<BytesPerSecond>("2 KiB/s").value == 2048);
}

TEST_CASE("the space before the unit may be missing or wide") {
  CHECK(parse_quantity<Seconds>("5us").value == 5e-6);
  CHECK(parse_quantity<Seconds>("5   us  ").value == 5e-6);
}

TEST_CASE("a quantity is the double nearest to its decimal text, whatever its prefix") {
  CHECK(parse_quantity<Seconds>("0.1 us").value == 1e-7);
  CHECK(parse_quantity<Seconds>("1e3 ns").value == 1e-6);
  CHECK(parse_quantity<Seconds>("4.35 ms").value == 4.35e-3);
  CHECK(parse_quantity<FlopsPerSecond>("1.1 EFLOP/s").value == 1.1e18);
}

TEST_CASE("bytes are exact up to 64 bits and rounded where the text has a fraction") {
  CHECK(parse_quantity<Bytes>("9007199254740993 B").count == 9007199254740993);  // 2^53 + 1 is no double
  CHECK(parse_quantity<Bytes>("9223372036854775807 B").count == 9223372036854775807);
  CHECK(parse_quantity<Bytes>("1.5 KiB").count == 1536);
  CHECK(parse_quantity<Bytes>("0.1 KiB").count == 102);  // 102.4
  CHECK(parse_quantity<Bytes>("2.6 B").count == 3);
  CHECK(parse_quantity<Bytes>("1e9 B").count == 1'000'000'000);
}

TEST_CASE("bytes beyond 64 bits, or fewer than one, are refused") {
  CHECK(refusal<Bytes>("9223372036854775808 B") == "0: more bytes than 64 bits count");
  CHECK(refusal<Bytes>("9223372037 GB") == "0: more bytes than 64 bits count");
  CHECK(refusal<Bytes>("8388608 TiB") == "0: more bytes than 64 bits count");  // 2^23 * 2^40
  CHECK(refusal<Bytes>("1e30 B") == "0: more bytes than 64 bits count");
  CHECK(refusal<Bytes>("0.4 B") == "0: less than one byte");
}

TEST_CASE("a number without its unit is asked for it") {
  CHECK(refusal<Bytes>("80") == "2: 80 what?");
  CHECK(refusal<Bytes>("80 ") == "2: 80 what?");
  CHECK(want<Bytes>("80") == R"(a size in bytes such as "80 GiB" or "80 GB")");
  CHECK(want<Seconds>("80") == R"(a time such as "5 us")");
}

TEST_CASE("a unit of another dimension is named as what it is") {
  CHECK(refusal<Seconds>("3 GB/s") == "2: GB/s is a bandwidth, not a time");
  CHECK(refusal<Bytes>("3 TFLOP/s") == "2: TFLOP/s is a compute rate, not a size in bytes");
  CHECK(refusal<Bytes>("3 TFLOPS") == "2: TFLOPS is a compute rate, not a size in bytes");
  CHECK(refusal<BytesPerSecond>("3 GB") == "2: GB is a size in bytes, not a bandwidth");
  CHECK(refusal<Watts>("3 J") == "2: J is an energy, not a power");
  CHECK(refusal<FlopsPerSecond>("3 TFLOP") == "2: TFLOP is an amount of work, not a compute rate");
}

TEST_CASE("bits are refused with the way to write bytes") {
  for (const char* text : {"300 Gb/s", "300 Gbps", "300 Gbit/s", "300 b/s", "300 kb/s"}) {
    CHECK_THAT(refusal<BytesPerSecond>(text), Catch::Contains("counts bits") && Catch::Contains("capital B"));
  }
  CHECK_THAT(refusal<Bytes>("8 Gb"), Catch::Contains("counts bits"));
}

TEST_CASE("an unknown unit brings the closest known one") {
  CHECK(refusal<Bytes>("3 KB") == R"(2: unknown unit KB; did you mean "kB"?)");
  CHECK(refusal<Seconds>("3 sec") == R"(2: unknown unit sec)");
  CHECK(refusal<FlopsPerSecond>("3 TFlop/s") == R"(2: unknown unit TFlop/s; did you mean "TFLOP/s"?)");
  CHECK(refusal<FlopsPerSecond>("3 TFLOPS") == "2: a rate is written FLOP/s, not TFLOPS");
  CHECK(refusal<Seconds>("3 ks") == R"(2: unknown unit ks; did you mean "ps"?)");  // no kiloseconds here
}

TEST_CASE("text that does not belong to a quantity is located") {
  CHECK(refusal<Bytes>("1,5 GB") == "1: unexpected text after the number");
  CHECK(refusal<Bytes>("1 .5") == "2: unexpected text after the number");
  CHECK(refusal<Bytes>("1e") == "1: unknown unit e");
  CHECK(refusal<Bytes>("1e+") == "1: unknown unit e+");
  CHECK(refusal<Bytes>("5 GB extra") == "5: unexpected text after the unit");
  CHECK(refusal<Bytes>("0x10 GB") == "1: unknown unit x10");
  CHECK(refusal<Bytes>("GB") == "0: not a number");
  CHECK(refusal<Bytes>("") == "0: no value");
}

TEST_CASE("nan, infinities, underflow, overflow and negative quantities are refused") {
  for (const char* text : {"nan GB/s", "inf GB/s", "infinity GB/s", "NaN(1) GB/s"}) {
    CHECK(refusal<BytesPerSecond>(text) == "0: not a finite number");
  }
  CHECK(refusal<BytesPerSecond>(".inf") == "0: not a number");
  CHECK(refusal<Seconds>("1e-400 s") == "0: a number too large or too small for a double");
  CHECK(refusal<Seconds>("1e-300 ps") == "0: a number too small for a double");  // 1e-312 s is subnormal
  CHECK(refusal<BytesPerSecond>("1e308 TB/s") == "0: a number too large or too small for a double");
  CHECK(refusal<BytesPerSecond>("1e308 TiB/s") == "0: a number too large for a double");
  CHECK(refusal<Bytes>("-5 GB") == "0: a negative quantity");
  CHECK(refusal<BytesPerSecond>("-0 GB/s") == "0: a negative quantity");
}

TEST_CASE("a locale with decimal commas changes nothing") {
  const std::locale before = std::locale::global(std::locale(std::locale::classic(), new GermanNumbers));
  std::setlocale(LC_NUMERIC, "de_DE.UTF-8");  // where it is installed

  CHECK(parse_quantity<Seconds>("1.5 ms").value == 1.5e-3);
  CHECK(refusal<Seconds>("1,5 ms") == "1: unexpected text after the number");
  CHECK(parse_number("1234.5") == 1234.5);
  CHECK(to_text(Seconds{1.5e-3}) == "1.5 ms");
  CHECK(to_text(Bytes{1'234'567'890'123}) == "1.12 TiB");
  CHECK(to_exact_text(Seconds{1234.5}) == "1234.5 s");

  std::setlocale(LC_NUMERIC, "C");
  std::locale::global(before);
}
