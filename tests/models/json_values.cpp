#include "models/hugging_face/json.hpp"

#include <fmt/format.h>

#include "tests/base/message_of.hpp"
#include "tests/catch.hpp"

using namespace tandem;

namespace {

std::string refusal(std::string_view text) {
  return message_of([&] { parse_json(text, "c.json"); });
}

std::string repeated(std::string_view part, int times) {
  std::string text;
  for (int i = 0; i < times; ++i) text += part;
  return text;
}

}  // namespace

TEST_CASE("a JSON value keeps its kind, its content and its place") {
  const auto file = parse_json("{\n  \"a\": 12,\n  \"b\" : [true, \"x\\n\", null, 1.5],\n  \"c\": {}}", "c.json");

  REQUIRE(file.entries.size() == 3);
  CHECK(file.find("a")->integer(0, 99) == 12);
  CHECK(file.find("a")->position.line == 2);
  CHECK(file.find("a")->position.column == 8);
  const auto& list = file.find("b")->items;
  REQUIRE(list.size() == 4);
  CHECK(list[0].boolean());
  CHECK(list[1].word() == "x\n");
  CHECK(list[2].kind == JsonValue::Kind::null);
  CHECK(list[3].real(0, 2) == 1.5);
  CHECK(list[3].position.column == 29);
  CHECK(file.find("c")->kind == JsonValue::Kind::map);
}

TEST_CASE("a JSON value that is missing or null is not found") {
  const auto file = parse_json(R"({"a": null})", "c.json");

  CHECK(file.find("a") == nullptr);
  CHECK(file.find("b") == nullptr);
}

TEST_CASE("what is no JSON is located") {
  CHECK_THAT(refusal("{\"a\": 1,\n}"), Catch::StartsWith("c.json:2:1: error: syntax error"));        // trailing comma
  CHECK_THAT(refusal("{\"a\": 1} // x"), Catch::StartsWith("c.json:1:10: error: syntax error"));     // comment
  CHECK_THAT(refusal("{\n  \"a\": NaN}"), Catch::StartsWith("c.json:2:8: error: syntax error"));
  CHECK_THAT(refusal("{\"a\": Infinity}"), Catch::StartsWith("c.json:1:7: error: syntax error"));
  CHECK_THAT(refusal("{\"a\": 1} garbage"), Catch::StartsWith("c.json:1:10: error: syntax error"));
  CHECK_THAT(refusal("{\"a\": 1}{}"), Catch::StartsWith("c.json:1:9: error: syntax error"));
  CHECK_THAT(refusal("{'a': 1}"), Catch::StartsWith("c.json:1:2: error: syntax error"));
  CHECK_THAT(refusal("{\"a\": 01}"), Catch::StartsWith("c.json:1:8: error: syntax error"));
  CHECK_THAT(refusal("{\"a\": 1e999}"), Catch::StartsWith("c.json:1:11: error: number overflow"));
  CHECK_THAT(refusal("{\"a\": \"\xFF\"}"), Catch::StartsWith("c.json:1:8: error: syntax error"));  // no UTF-8
  CHECK_THAT(refusal(std::string("{\"a\": \0}", 9)), Catch::StartsWith("c.json:1:7: error: syntax error"));
  CHECK_THAT(refusal(""), Catch::StartsWith("c.json:1:1: error: syntax error"));
}

TEST_CASE("a duplicate key is refused at its second place, at every level") {
  CHECK(refusal("{\"a\": 1,\n \"a\": 2}") == R"(c.json:2:2: error: duplicate key; got "a")");
  CHECK(refusal(R"({"a": {"b": 1, "b": 2}})") == R"(c.json:1:16: error: duplicate key; got "b")");
  CHECK(refusal(R"({"a": {"b": 1}, "b": 2})") == "accepted");
}

TEST_CASE("nesting is limited to 32 levels") {
  CHECK(refusal(repeated("[", 32) + repeated("]", 32)) == "accepted");
  CHECK(refusal(repeated("[", 33) + repeated("]", 33)) == "c.json:1:33: error: nested too deeply; want at most 32 levels");
  CHECK_THAT(refusal(repeated("[", 100'000)), Catch::StartsWith("c.json:1:33: error: nested too deeply"));
  CHECK_THAT(refusal(repeated("{\"a\":", 100'000)), Catch::Contains("nested too deeply"));
}

TEST_CASE("the number of values is limited") {
  CHECK(refusal(fmt::format("[{}1]", repeated("1,", 99'998))) == "accepted");  // 99,999 numbers and their list
  CHECK_THAT(refusal(fmt::format("[{}1]", repeated("1,", 99'999))), Catch::EndsWith("too many values; want at most 100000"));
}

TEST_CASE("a number outside 64 bits or with a fraction is no whole number") {
  const auto number = [](std::string_view text) { return parse_json(text, "c.json"); };

  CHECK(number("-1").integer(-1, 1) == -1);
  CHECK(message_of([&] { (void)number("-1").integer(0, 9); }) ==
        R"(c.json:1:1: error: out of range; got "-1", want a whole number from 0 to 9)");
  CHECK_THROWS_AS(number("18446744073709551615").integer(0, 9), InputError);
  CHECK_THROWS_AS(number("1e30").integer(0, 9), InputError);
  CHECK_THROWS_AS(number("7.5").integer(0, 9), InputError);
  CHECK_THROWS_AS(number("1e0").integer(0, 9), InputError);
}

TEST_CASE("a value of another kind is shown and named") {
  const auto list = parse_json("[1]", "c.json");

  CHECK(message_of([&] { (void)list.word(); }) == R"(c.json:1:1: error: wrong kind of value; got "a list", want a text)");
  CHECK(message_of([&] { (void)list.find("a"); }) == R"(c.json:1:1: error: wrong kind of value; got "a list", want a map)");
  CHECK(message_of([&] { (void)list.items[0].boolean(); }) ==
        R"(c.json:1:2: error: wrong kind of value; got "1", want true or false)");
}
