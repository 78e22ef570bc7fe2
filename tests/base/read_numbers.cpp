#include <limits>

#include "base/units.hpp"
#include "tests/catch.hpp"

using namespace tandem;

namespace {

/// "offset: problem" of the error, or "accepted".
template <class Read>
std::string refusal(Read read) {
  try {
    read();
  } catch (const QuantityError& error) {
    return std::to_string(error.offset) + ": " + error.problem;
  }
  return "accepted";
}

std::string number_refusal(std::string_view text) {
  return refusal([&] { parse_number(text); });
}

std::string integer_refusal(std::string_view text, std::int64_t low = -100, std::int64_t high = 100) {
  return refusal([&] { parse_integer(text, low, high); });
}

}  // namespace

TEST_CASE("a number is read as the nearest double") {
  CHECK(parse_number("0.1") == 0.1);
  CHECK(parse_number("-2.5e3") == -2500);
  CHECK(parse_number("1e+2") == 100);
  CHECK(parse_number("1.7976931348623157e308") == std::numeric_limits<double>::max());
  CHECK(parse_number("007") == 7);
}

TEST_CASE("a negative zero is read as zero") {
  CHECK(std::to_string(parse_number("-0")) == "0.000000");
}

TEST_CASE("a text that is no finite number is refused") {
  CHECK(number_refusal("") == "0: no value");
  for (const char* text : {"nan", "inf", "infinity", "NaN(1)", "-inf", "-nan"}) {
    CHECK(number_refusal(text) == "0: not a finite number");
  }
  for (const char* text : {".inf", "+1", "five", " 1", "e5", "-", ".", "$1"}) {
    CHECK(number_refusal(text) == "0: not a number");
  }
}

TEST_CASE("a number beyond what a double holds is refused, not rounded to zero or infinity") {
  for (const char* text : {"1e-400", "-1e-400", "1e400", "1e999999999999999999999"}) {
    CHECK(number_refusal(text) == "0: a number too large or too small for a double");
  }
  CHECK(number_refusal("1e-310") == "0: a number too small for a double");  // subnormal: digits are lost
}

TEST_CASE("text after a number is located") {
  CHECK(number_refusal("1,5") == "1: unexpected text after the number");
  CHECK(number_refusal("1 .5") == "1: unexpected text after the number");
  CHECK(number_refusal("1e") == "1: unexpected text after the number");
  CHECK(number_refusal("1e+") == "1: unexpected text after the number");
  CHECK(number_refusal("0x10") == "1: unexpected text after the number");
  CHECK(number_refusal("1.5.2") == "3: unexpected text after the number");
  CHECK(number_refusal("12 ") == "2: unexpected text after the number");
}

TEST_CASE("a whole number is read within its range, bounds included") {
  CHECK(parse_integer("0", 0, 8) == 0);
  CHECK(parse_integer("8", 0, 8) == 8);
  CHECK(parse_integer("-3", -3, 8) == -3);
  CHECK(parse_integer("9223372036854775807", 0, std::numeric_limits<std::int64_t>::max()) ==
        std::numeric_limits<std::int64_t>::max());
}

TEST_CASE("a whole number out of its range is refused") {
  CHECK(integer_refusal("9", 0, 8) == "0: out of range");
  CHECK(integer_refusal("-1", 0, 8) == "0: out of range");
  CHECK(integer_refusal("99999999999999999999") == "0: out of range");
  CHECK(integer_refusal("-99999999999999999999") == "0: out of range");
}

TEST_CASE("a leading zero is refused, since some readers take 010 for 8") {
  CHECK(integer_refusal("010") == "0: a whole number with a leading zero or a signed zero");
  CHECK(integer_refusal("-0") == "0: a whole number with a leading zero or a signed zero");
}

TEST_CASE("what is no whole decimal number is located") {
  CHECK(integer_refusal("") == "0: no value");
  CHECK(integer_refusal("-") == "0: not a whole number");
  CHECK(integer_refusal("+5") == "0: not a whole number");
  CHECK(integer_refusal("1e3") == "1: not a whole number");
  CHECK(integer_refusal("0x10") == "1: not a whole number");
  CHECK(integer_refusal("1.0") == "1: not a whole number");
  CHECK(integer_refusal("5 ") == "1: not a whole number");
  CHECK(integer_refusal("four") == "0: not a whole number");
}

TEST_CASE("an error says which numbers are wanted") {
  const auto want = [](std::int64_t low, std::int64_t high) -> std::string {
    try {
      parse_integer("x", low, high);
    } catch (const QuantityError& error) {
      return error.want;
    }
    return "";
  };

  CHECK(want(1, 64) == "a whole number from 1 to 64");
  CHECK(want(1, std::numeric_limits<std::int64_t>::max()) == "a whole number of at least 1");
}
