#include <rapidcheck.h>

#include "base/yaml.hpp"
#include "tests/base/message_of.hpp"
#include "tests/catch.hpp"

using namespace tandem;

namespace {

std::string refusal(std::string_view text) {
  return message_of([&] { parse_yaml(text, "f"); });
}

std::string repeated(std::string_view part, int times) {
  std::string text;
  for (int count = 0; count < times; ++count) text += part;
  return text;
}

std::string map_of(int keys) {
  std::string text;
  for (int key = 0; key < keys; ++key) text += std::to_string(key) + ": 1\n";
  return text;
}

const std::string kValid = R"(# a device
name: "tesla \"k80\""
links:
  - {bandwidth: 12 GB/s, latency: 5 us}
  - [a, 'b', ~]
note: >
  two
  lines
)";

}  // namespace

TEST_CASE("a file without a value is no document") {
  for (const char* text : {"", "\n\n", "# only\n  # comments\n", "---\n", "---\n...\n", "...\n", "~", "\xEF\xBB\xBF"}) {
    CHECK(refusal(text) == "f: error: no document; want at least one `key: value`");
  }
}

TEST_CASE("one byte more than the limit is refused unread") {
  const std::string at_limit = "a: " + std::string(999'997, 'x');
  const std::string beyond(1'000'001, '\xFF');

  CHECK(refusal(at_limit) == "accepted");
  CHECK(refusal(beyond) == R"(f: error: the file is too large; got "1000001 bytes", want at most 1000000 bytes)");
}

TEST_CASE("a NUL byte is located") {
  CHECK(refusal(std::string_view("a: 1\nb: x\0y", 11)) == "f:2:5: error: a NUL byte in a text file; want UTF-8 text");
}

TEST_CASE("a control character is located, the parser's own end mark among them") {
  CHECK(refusal("a: 1\nb: \x04\nc: 3") == "f:2:4: error: control character 0x04 in a text file; want UTF-8 text");
  CHECK(refusal("a: \x1b[31m") == "f:1:4: error: control character 0x1B in a text file; want UTF-8 text");
}

TEST_CASE("only UTF-8 is read") {
  CHECK(refusal("\xFF\xFE" "a") == "f:1:1: error: UTF-8 only, and this is UTF-16; want UTF-8 text");
  CHECK(refusal("\xFE\xFF") == "f:1:1: error: UTF-8 only, and this is UTF-16; want UTF-8 text");
  CHECK(refusal("a: 1\nb: caf\xE9") == "f:2:7: error: byte 0xE9 is no UTF-8; want UTF-8 text");
  CHECK(refusal("a: \xED\xA0\x80") == "f:1:4: error: byte 0xED is no UTF-8; want UTF-8 text");
  CHECK(refusal("\xEF\xBB\xBF" "a: 1") == "accepted");
}

TEST_CASE("a tab that indents is located, and elsewhere it separates") {
  CHECK(refusal("a:\n\tb: 1") == "f:2:1: error: a tab indents this line; want spaces");
  CHECK(refusal("a:\n  b: 1\n \tc: 2") == "f:3:2: error: a tab indents this line; want spaces");
  CHECK(refusal("a: 1\n\t\nb: 2") == "f:2:1: error: a tab indents this line; want spaces");
  CHECK(refusal("a:\t1\nb: 2\t# c") == "accepted");
}

TEST_CASE("nesting beyond 32 levels is refused before it is followed") {
  // yaml-cpp takes a bracket that is never closed for the key of an implied map: two levels each
  CHECK(refusal(repeated("[", 100'000)) == "f:1:17: error: nested too deeply; want at most 32 levels");
  CHECK(refusal(repeated("{a: ", 100'000)) == "f:1:125: error: nested too deeply; want at most 32 levels");
  CHECK(refusal(repeated("- ", 100'000)) == "f:1:65: error: nested too deeply; want at most 32 levels");
}

TEST_CASE("32 levels are accepted and 33 are not") {
  CHECK(refusal(repeated("[", 32) + repeated("]", 32)) == "accepted");
  CHECK(refusal(repeated("[", 33) + repeated("]", 33)) == "f:1:33: error: nested too deeply; want at most 32 levels");
}

TEST_CASE("anchors and aliases are refused before anything is expanded") {
  const std::string bomb = "a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n";

  CHECK(refusal("&a [*a]") == "f:1:1: error: anchors are not supported");
  CHECK(refusal(bomb) == "f:1:4: error: anchors are not supported");
  CHECK(refusal("a: 1\nb: *a") == "f:2:4: error: aliases are not supported");
  CHECK(refusal("&a b: 1") == "f:1:1: error: anchors are not supported");
  CHECK(refusal("a: &b") == "f:1:4: error: anchors are not supported");
}

TEST_CASE("a merge key is refused and never ignored") {
  CHECK(refusal("a: 1\n<<: {b: 2}") == R"(f:2:1: error: merge keys are not supported; got "<<")");
  CHECK(refusal("a: {<<: [b]}") == R"(f:1:5: error: merge keys are not supported; got "<<")");
}

TEST_CASE("a duplicate key is refused with both lines") {
  CHECK(refusal("b: 1\na: 2\nc: 3\na: 4") == R"(f:4:1: error: duplicate key; the first is on line 2; got "a")");
  CHECK(refusal("x: {a: 1, 'a': 2}") == R"(f:1:11: error: duplicate key; the first is on line 1; got "a")");
  CHECK(refusal("x: {a: 1}\ny: {a: 1}") == "accepted");
}

TEST_CASE("tags are refused") {
  CHECK(refusal("a: !!python/object x") == "f:1:4: error: tags are not supported");
  CHECK(refusal("a: !2 x") == "f:1:4: error: tags are not supported");
  CHECK(refusal("a: !!null") == "f:1:4: error: tags are not supported");
  CHECK(refusal("! 5") == "f:1:1: error: tags are not supported");
  CHECK(refusal("- !!map {a: 1}") == "f:1:3: error: tags are not supported");
}

TEST_CASE("directives and second documents are refused") {
  CHECK(refusal("%YAML 1.2\n---\na: 1") == R"(f:1:1: error: directives are not supported; got "%YAML 1.2")");
  CHECK(refusal("a: 1\n---\nb: 2") == "f:2:1: error: a second document; want one document per file");
  CHECK(refusal("a: 1\n...\n---\nb: 2") == "f:3:1: error: a second document; want one document per file");
}

TEST_CASE("a key that is no text is refused") {
  const std::string problem = "error: a key that is no text; want a key of one word, as in `key: value`";

  CHECK(refusal("a: {[b]: 1}") == "f:1:5: " + problem);
  CHECK(refusal("? {a: 1}\n: 2") == "f:1:3: " + problem);
  CHECK(refusal("~: 1") == "f:1:1: " + problem);
}

TEST_CASE("100,000 keys in one map exceed the limit of nodes, and half of them do not") {
  CHECK(refusal(map_of(100'000)) == "f:50000:8: error: too many keys and values; want at most 100000 of them");
  CHECK(refusal(map_of(49'999)) == "accepted");  // 1 map + 49,999 * 2 nodes
}

TEST_CASE("what is never closed is located where it was opened") {
  CHECK(refusal("a: 1\nb: [1,\n  {c: 2},\n") == "f:2:4: error: a [ that is never closed");
  CHECK(refusal("a:\n  - {b: 1\n") == "f:2:5: error: a { that is never closed");
}

TEST_CASE("a misplaced line, colon or bracket is located and said in plain words") {
  CHECK(refusal("a: b: c") ==
        "f:1:5: error: a colon where no key can stand: check the indentation, or quote the text");
  CHECK(refusal("a:\n  - b\n c: 1") == "f:3:2: error: this line fits no open map: check its indentation");
  CHECK(refusal("a: ]") == "f:1:4: error: a closing bracket that was never opened");
  CHECK(refusal("a: @b") == "f:1:4: error: a character that starts no value: quote the text");
  CHECK(refusal("a: \"x\\q\"") == "f:1:8: error: unknown escape character: q");
}

TEST_CASE("a valid file cut at any byte is read or refused in one line") {
  for (std::size_t size = 0; size <= kValid.size(); ++size) {
    const std::string message = refusal(kValid.substr(0, size));

    REQUIRE((message == "accepted" || message.starts_with("f:")));
    REQUIRE(message.find('\n') == std::string::npos);
  }
  CHECK(refusal(kValid) == "accepted");
}

TEST_CASE("a valid file with bytes replaced is read or refused in one line") {
  CHECK(rc::check([] {
    std::string text = kValid;
    const int changes = *rc::gen::inRange(1, 6);
    for (int change = 0; change < changes; ++change) {
      const std::size_t at = *rc::gen::inRange<std::size_t>(0, text.size());
      const auto special = rc::gen::elementOf(std::string("[]{}:,-?&*!|>'\"%@`#~ \n\t"));
      text[at] = *rc::gen::oneOf(special, rc::gen::arbitrary<char>());
    }

    const std::string message = refusal(text);

    RC_ASSERT(message == "accepted" || message.starts_with("f:"));
    RC_ASSERT(message.find('\n') == std::string::npos);
  }));
}
