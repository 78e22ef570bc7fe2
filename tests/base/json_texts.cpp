#include "base/json_text.hpp"

#include <rapidcheck.h>

#include <limits>
#include <nlohmann/json.hpp>

#include "base/utf8.hpp"
#include "tests/catch.hpp"

using namespace tandem;

TEST_CASE("a string is quoted and its special characters are escaped") {
  CHECK(json_string("") == R"("")");
  CHECK(json_string("layer 3") == R"("layer 3")");
  CHECK(json_string("a\"b\\c") == R"("a\"b\\c")");
  CHECK(json_string("a\nb\tc\x01\x7f") == R"("a\nb\tc\u0001\u007f")");
  CHECK(json_string(std::string_view("\0", 1)) == R"("\u0000")");
  CHECK(json_string("é€😀") == "\"é€😀\"");
}

TEST_CASE("a string cannot close the script element that holds it") {
  CHECK(json_string("</script><img src=x>") == R"("\u003c/script>\u003cimg src=x>")");
}

TEST_CASE("bytes that are no UTF-8 become the replacement character") {
  CHECK(json_string("a\xff\xc3") == "\"a\xEF\xBF\xBD\xEF\xBF\xBD\"");
}

TEST_CASE("any bytes give a JSON string that reads back") {
  CHECK(rc::check([](const std::string& text) {
    const std::string read = nlohmann::json::parse(json_string(text)).get<std::string>();

    bool valid = true;
    for (std::size_t at = 0; at < text.size(); at += std::max<std::size_t>(1, utf8_length(text.substr(at)))) {
      valid = valid && utf8_length(text.substr(at)) > 0;
    }
    RC_ASSERT(!valid || read == text);
    RC_ASSERT(read.size() >= text.size());  // a replacement takes three bytes for one
  }));
}

TEST_CASE("a number has the fewest digits that read back") {
  CHECK(json_number(0.1) == "0.1");
  CHECK(json_number(0.1F) == "0.1");
  CHECK(json_number(3.0) == "3");
  CHECK(json_number(1e300) == "1e+300");
  CHECK(json_number(-0.0) == "-0.0");
  CHECK(json_number(static_cast<double>(0.1F)) == "0.10000000149011612");
}

TEST_CASE("a number that JSON has not becomes null") {
  CHECK(json_number(std::numeric_limits<double>::quiet_NaN()) == "null");
  CHECK(json_number(std::numeric_limits<double>::infinity()) == "null");
  CHECK(json_number(-std::numeric_limits<float>::infinity()) == "null");
}

TEST_CASE("any finite number reads back to the same bits") {
  CHECK(rc::check([](double value) { RC_ASSERT(nlohmann::json::parse(json_number(value)).get<double>() == value); }));
  CHECK(rc::check([](float value) { RC_ASSERT(nlohmann::json::parse(json_number(value)).get<float>() == value); }));
}
