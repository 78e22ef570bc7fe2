#include "base/error.hpp"

#include "tests/catch.hpp"

using namespace tandem;

TEST_CASE("an input error names the place, the problem, what it got and what it wants") {
  const InputError error({"plan.yaml", 7, 3}, "unknown schedule", "1g1b", "gpipe or 1f1b");

  CHECK(std::string(error.what()) == R"(plan.yaml:7:3: error: unknown schedule; got "1g1b", want gpipe or 1f1b)");
}

TEST_CASE("an input error leaves out the parts that are empty") {
  const TextPosition whole_file{"plan.yaml"};
  const TextPosition whole_line{"plan.yaml", 7, 0};

  CHECK(std::string(InputError(whole_file, "no document").what()) == "plan.yaml: error: no document");
  CHECK(std::string(InputError(whole_line, "too long").what()) == "plan.yaml:7: error: too long");
  CHECK(std::string(InputError("no such flag", "--se").what()) == R"(error: no such flag; got "--se")");
  CHECK(std::string(InputError("no value", "", "a number").what()) == "error: no value; want a number");
}

TEST_CASE("an input error stays on one line whatever the input holds") {
  const std::string hostile = "a\nb\tc\x1b[31m\x7f\xc2\x9b\xff";

  const InputError error({"a\nb.yaml", 1, 1}, "bad\nkey", hostile);

  CHECK(std::string(error.what()) ==
        R"(a\nb.yaml:1:1: error: bad\nkey; got "a\nb\tc\x1b[31m\x7f\xc2\x9b\xff")");
}

TEST_CASE("an input error shortens a long text between characters") {
  const std::string long_text(1'000'000, 'x');
  std::string accents = "x";
  for (int count = 0; count < 100; ++count) accents += "é";

  CHECK(std::string(InputError("odd", long_text).what()) ==
        "error: odd; got \"" + std::string(60, 'x') + "...\"");
  CHECK(std::string(InputError("odd", accents).what()) ==
        "error: odd; got \"" + accents.substr(0, 59) + "...\"");  // 1 + 29 * 2 bytes; a 30th é would make 61
}

TEST_CASE("an invariant that holds is silent and one that fails names its place") {
  CHECK_NOTHROW(invariant(true, "one is one"));
  CHECK_THROWS_AS(invariant(false, "one is two"), InvariantError);
  CHECK_THROWS_WITH(invariant(false, "one is two"), Catch::Contains("errors.cpp") && Catch::Contains("one is two"));
}

TEST_CASE("a misspelt word brings the closest candidate") {
  const std::vector<std::string> keys{"bandwidth", "latency", "source"};

  CHECK(did_you_mean("bandwith", keys) == R"(; did you mean "bandwidth"?)");   // one letter missing
  CHECK(did_you_mean("lantecy", keys) == R"(; did you mean "latency"?)");      // two edits in seven letters
  CHECK(did_you_mean("SOURCE", keys) == R"(; did you mean "source"?)");        // only the case differs
  CHECK(did_you_mean("soruce", keys) == R"(; did you mean "source"?)");        // neighbours exchanged
}

TEST_CASE("a word close to nothing brings no suggestion") {
  CHECK(did_you_mean("colour", {"bandwidth", "latency"}).empty());
  CHECK(did_you_mean("x", {"y"}).empty());  // one edit of one letter is another word
  CHECK(did_you_mean("", {"a", ""}).empty());
  CHECK(did_you_mean("word", {}).empty());
  CHECK(did_you_mean(std::string(1'000'000, 'a'), {"bandwidth"}).empty());
}

TEST_CASE("of two candidates equally close the first is suggested") {
  CHECK(did_you_mean("pat", {"cat", "bat"}) == R"(; did you mean "cat"?)");
}
