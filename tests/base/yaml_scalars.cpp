#include <limits>

#include "base/yaml.hpp"
#include "tests/base/message_of.hpp"
#include "tests/catch.hpp"

using namespace tandem;

namespace {

YamlNode value(const std::string& text) { return parse_yaml("key: " + text, "f").at("key"); }

std::string integer_refusal(const std::string& text) {
  return message_of([&] { value(text).integer(1, 64); });
}

std::string number_refusal(const std::string& text) {
  return message_of([&] { value(text).number(0, 1); });
}

template <class Unit>
std::string quantity_refusal(const std::string& text) {
  return message_of([&] { value(text).quantity<Unit>(); });
}

}  // namespace

TEST_CASE("only true and false are booleans") {
  CHECK(value("true").boolean());
  CHECK_FALSE(value("false").boolean());
  for (const std::string word : {"yes", "no", "on", "off", "NO", "True", "TRUE", "y", "1"}) {
    CHECK(message_of([&] { value(word).boolean(); }) ==
          "f:1:6: error: not a boolean; got \"" + word + "\", want true or false");
  }
  CHECK(message_of([] { value("'true'").boolean(); }) ==
        R"(f:1:6: error: not a boolean; got "true", want true or false)");
  CHECK(value("NO").text() == "NO");  // Norway
}

TEST_CASE("whole numbers are read within their range") {
  CHECK(value("64").integer(1, 64) == 64);
  CHECK(value("-1").integer(-1, 64) == -1);
  CHECK(integer_refusal("65") == R"(f:1:6: error: out of range; got "65", want a whole number from 1 to 64)");
  CHECK(integer_refusal("99999999999999999999") ==
        R"(f:1:6: error: out of range; got "99999999999999999999", want a whole number from 1 to 64)");
}

TEST_CASE("010 is refused and never 8") {
  CHECK(integer_refusal("010") ==
        "f:1:6: error: a whole number with a leading zero or a signed zero; got \"010\", "
        "want a whole number from 1 to 64");
}

TEST_CASE("what is no whole number is located inside the value") {
  CHECK(integer_refusal("1e3") == R"(f:1:7: error: not a whole number; got "1e3", want a whole number from 1 to 64)");
  CHECK(integer_refusal("0x10") == R"(f:1:7: error: not a whole number; got "0x10", want a whole number from 1 to 64)");
  CHECK(integer_refusal("'5'") ==
        R"(f:1:6: error: a quoted text where a number is due; got "5", want a whole number)");
}

TEST_CASE("numbers are read within their range") {
  CHECK(value("0.5").number(0, 1) == 0.5);
  CHECK(value("1").number(0, 1) == 1);
  CHECK(number_refusal("1.7") == R"(f:1:6: error: out of range; got "1.7", want a number from 0 to 1)");
  CHECK(number_refusal("97") == R"(f:1:6: error: out of range; got "97", want a number from 0 to 1)");
  CHECK(number_refusal("-0.1") == R"(f:1:6: error: out of range; got "-0.1", want a number from 0 to 1)");
}

TEST_CASE("YAML's own spellings of nan and infinity are no numbers") {
  CHECK(number_refusal(".inf") == R"(f:1:6: error: not a number; got ".inf", want a number)");
  CHECK(number_refusal(".nan") == R"(f:1:6: error: not a number; got ".nan", want a number)");
  CHECK(number_refusal("nan") == R"(f:1:6: error: not a finite number; got "nan", want a number)");
  CHECK(number_refusal("1e-400") ==
        R"(f:1:6: error: a number too large or too small for a double; got "1e-400", want a number)");
}

TEST_CASE("a quantity is above zero, or zero where that is allowed") {
  CHECK(value("300 GB/s").quantity<BytesPerSecond>().value == 300e9);
  CHECK(value("\"80 GiB\"").quantity<Bytes>().count == 85'899'345'920);  // 80 * 2^30
  CHECK(value("0 s").quantity<Seconds>(true).value == 0);
  CHECK(quantity_refusal<BytesPerSecond>("0 GB/s") ==
        R"(f:1:6: error: zero; got "0 GB/s", want a value above zero)");
  CHECK(quantity_refusal<Bytes>("0 B") == R"(f:1:6: error: zero; got "0 B", want a value above zero)");
}

TEST_CASE("a fault inside a quantity is located to the byte") {
  const std::string want = "want a size in bytes such as \"80 GiB\" or \"80 GB\"";

  CHECK(quantity_refusal<Bytes>("80") == "f:1:8: error: 80 what?; got \"80\", " + want);
  CHECK(quantity_refusal<Bytes>("1,5 GB") ==
        "f:1:7: error: unexpected text after the number; got \"1,5 GB\", " + want);
  CHECK(quantity_refusal<Bytes>("5 GB extra") ==
        "f:1:11: error: unexpected text after the unit; got \"5 GB extra\", " + want);
  CHECK(quantity_refusal<Bytes>("'5 GB extra'") ==
        "f:1:12: error: unexpected text after the unit; got \"5 GB extra\", " + want);
  CHECK(quantity_refusal<Bytes>("-5 GB") == "f:1:6: error: a negative quantity; got \"-5 GB\", " + want);
  CHECK(quantity_refusal<Seconds>("3 GB/s") ==
        R"(f:1:8: error: GB/s is a bandwidth, not a time; got "3 GB/s", want a time such as "5 us")");
}

TEST_CASE("a fault in a value that the file spells in another way is located at its start") {
  CHECK_THAT(quantity_refusal<Bytes>("5\n  GB extra"), Catch::StartsWith("f:1:6: "));      // two lines, folded
  CHECK_THAT(quantity_refusal<Bytes>("\"5\\x20GB extra\""), Catch::StartsWith("f:1:6: "));  // an escape
}

TEST_CASE("a node refuses in its own place") {
  CHECK(message_of([] { value("[a, bc]").items()[1].fail("unknown layer", "bc", "a"); }) ==
        R"(f:1:10: error: unknown layer; got "bc", want a)");
}
