#include "base/utf8.hpp"

#include "tests/catch.hpp"

using namespace tandem;

TEST_CASE("a valid character has the length of its form") {
  CHECK(utf8_length("a") == 1);
  CHECK(utf8_length("é") == 2);
  CHECK(utf8_length("€") == 3);
  CHECK(utf8_length("😀!") == 4);
  CHECK(utf8_length("\xF4\x8F\xBF\xBF") == 4);  // U+10FFFF, the last one
  CHECK(utf8_length(std::string_view("\0", 1)) == 1);
}

TEST_CASE("bytes that are no character have length zero") {
  CHECK(utf8_length("") == 0);
  CHECK(utf8_length("\x80") == 0);              // a continuation alone
  CHECK(utf8_length("\xC3") == 0);              // cut short
  CHECK(utf8_length("\xE2\x82") == 0);          // cut short
  CHECK(utf8_length("\xC3(") == 0);             // no continuation
  CHECK(utf8_length("\xF0\x9F\x98(") == 0);     // no continuation at the end
  CHECK(utf8_length("\xC0\x80") == 0);          // NUL written too long
  CHECK(utf8_length("\xE0\x9F\xBF") == 0);      // U+07FF written too long
  CHECK(utf8_length("\xF0\x8F\xBF\xBF") == 0);  // U+FFFF written too long
  CHECK(utf8_length("\xED\xA0\x80") == 0);      // a surrogate
  CHECK(utf8_length("\xF4\x90\x80\x80") == 0);  // U+110000
  CHECK(utf8_length("\xFF") == 0);
}
