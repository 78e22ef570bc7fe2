#include <nlohmann/json.hpp>

#include "tests/catch.hpp"
#include "tests/tools/session.hpp"

using namespace tandem;
using Catch::Matchers::Contains;

namespace {

/// Every output of a file: the command and its flag.
std::string writing(const TemporaryFolder& folder, const std::string& name) {
  const std::string line = GENERATE("plan --model mlp --on tesla-k80 --out ", "simulate --model mlp --on tesla-k80 --trace ");
  return line + folder.file(name);
}

}  // namespace

TEST_CASE("an output that exists is replaced only by force") {
  const TemporaryFolder folder;
  const std::string line = writing(folder, "result");
  folder.write("result", "precious");

  const Outcome refused = typed(line);
  CHECK(refused.code == 2);
  CHECK_THAT(refused.err, Contains("--force"));
  CHECK(folder.content("result") == "precious");

  CHECK(typed(line + " --force").code == 0);
  CHECK(folder.content("result") != "precious");
  CHECK(folder.entries() == 1);
}

TEST_CASE("an output in a folder that is missing is a resource that is short") {
  const TemporaryFolder folder;

  const Outcome outcome = typed(writing(folder, "missing/result"));

  CHECK(outcome.code == 3);
  CHECK_THAT(outcome.err, Contains("no such folder"));
  CHECK(folder.entries() == 0);
}

TEST_CASE("an output may not be a folder, nor without a name") {
  const TemporaryFolder folder;

  CHECK_THAT(typed(writing(folder, "") + " --force").err, Contains("it is a folder"));
  for (const std::string flag : {"--trace", "--dump"})
    CHECK(run_words({"run", "--model", "mlp", "--on", "tesla-k80", flag, ""}).err == "error: " + flag + ": empty\n");
}

TEST_CASE("an output may not be an input, even by force") {
  const TemporaryFolder folder;
  const std::string plan = folder.write("plan.yaml", "model: mlp\ncluster: tesla-k80\n");

  const Outcome outcome = typed("simulate " + plan + " --force --trace " + plan);

  CHECK(outcome.code == 2);
  CHECK_THAT(outcome.err, Contains("it is an input of this command"));
  CHECK(folder.content("plan.yaml") == "model: mlp\ncluster: tesla-k80\n");
}

TEST_CASE("a full disk is a resource that is short") {
  const Outcome outcome = typed("simulate --model mlp --on tesla-k80 --trace /dev/full");

  CHECK(outcome.code == 3);
  CHECK(outcome.out.empty());
  CHECK_THAT(outcome.err, Contains("No space left on device"));
}

TEST_CASE("a trace is JSON whose events come first") {
  const TemporaryFolder folder;

  REQUIRE(typed("simulate --model mlp --on k80-x4 --pp 2 --trace " + folder.file("trace.json")).code == 0);

  const std::string text = folder.content("trace.json");
  CHECK(text.compare(0, 14, "{\"traceEvents\"") == 0);
  CHECK_FALSE(nlohmann::json::parse(text)["traceEvents"].empty());
}
