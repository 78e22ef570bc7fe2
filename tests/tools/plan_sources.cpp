#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "tests/catch.hpp"
#include "tests/source_dir.hpp"
#include "tests/tools/session.hpp"

using namespace tandem;
using nlohmann::json;
using Catch::Matchers::Contains;

namespace {

constexpr const char* kPlan = R"(model: mlp
cluster: k80-x4
mesh: {pipeline: 2}
micro_batches: 3
cuts: [hidden.2.linear]
)";

json plan_of(const std::string& line) {
  const Outcome outcome = typed("show plan --json " + line);
  INFO(outcome.err);
  REQUIRE(outcome.code == 0);
  return json::parse(outcome.out);
}

}  // namespace

TEST_CASE("a plan is read from a file, and flags override it") {
  const TemporaryFolder folder;
  const std::string file = folder.write("plan.yaml", kPlan);

  const json plain = plan_of(file);
  const json changed = plan_of(file + " --micro-batches 5 --schedule gpipe");

  CHECK(plain["micro_batches"] == 3);
  CHECK(plain["schedule"] == "1f1b");
  CHECK(plain["cuts"] == json{"hidden.2.linear"});
  CHECK(changed["micro_batches"] == 5);
  CHECK(changed["schedule"] == "gpipe");
  CHECK(changed["cuts"] == json{"hidden.2.linear"});
}

TEST_CASE("a plan file's schedule is found beside it, wherever the command runs, and a written plan names it so") {
  const TemporaryFolder folder;
  folder.write("mine.csv", "0F0,0F1,0B0,0B1\n1F0,1B0,1F1,1B1\n");
  const std::string file = folder.write(
      "plan.yaml", "model: mlp\ncluster: k80-x4\nmesh: {pipeline: 2}\nmicro_batches: 2\nschedule: mine.csv\n");

  const Outcome simulated = typed("simulate --no-chart " + file);
  const Outcome written = typed("plan " + file + " --out " + folder.file("other.yaml"));

  INFO(simulated.err << written.err);
  CHECK(simulated.code == 0);
  CHECK(written.code == 0);
  CHECK_THAT(folder.content("other.yaml"), Contains("schedule: \"mine.csv\"\n"));
  CHECK(typed("simulate --no-chart " + folder.file("other.yaml")).out == simulated.out);
}

TEST_CASE("another number of ranks or another model drops the file's cuts") {
  const TemporaryFolder folder;
  const std::string file = folder.write("plan.yaml", kPlan);

  CHECK(plan_of(file + " --pp 4")["cuts"].size() == 3);
  CHECK(plan_of(file + " --pp 1")["cuts"].empty());
  CHECK(plan_of(file + " --model gpt-nano")["cuts"].size() == 1);
}

TEST_CASE("what is wrong in a plan file is named with its line and column") {
  const TemporaryFolder folder;
  const std::string typo = folder.write("typo.yaml", "model: mlp\nmicro_batche: 3\n");
  const std::string cut = folder.write("cut.yaml", "model: mlp\ncluster: k80-x4\nmesh: {pipeline: 2}\ncuts: [nowhere]\n");

  const Outcome outcome = typed("simulate " + typo);
  CHECK(outcome.code == 2);
  CHECK_THAT(outcome.err, Contains(typo + ":2:1: error: ") && Contains("did you mean \"micro_batches\"?"));

  CHECK_THAT(typed("simulate " + cut).err, Contains(cut + ":4:8: error: "));
}

TEST_CASE("what is no plan file is refused") {
  const TemporaryFolder folder;
  for (const std::string& word : {folder.file("missing.yaml"), folder.file(""), std::string("/dev/zero"), std::string()}) {
    const Outcome outcome = run_words({"simulate", word});

    INFO(word);
    CHECK(outcome.code == 2);
    CHECK_THAT(outcome.err, Contains("cannot read"));
  }
}

TEST_CASE("a plan that was made for another model is refused where it says so") {
  const TemporaryFolder folder;
  const std::string file = folder.file("plan.yaml");
  REQUIRE(typed("plan --model mlp --on k80-x4 --pp 2 --out " + file).code == 0);
  std::string text = folder.content("plan.yaml");
  text.replace(text.find("\"mlp\""), 5, "\"gpt-nano\"");
  folder.write("plan.yaml", text);

  const Outcome outcome = typed("simulate " + file);

  CHECK(outcome.code == 2);
  CHECK_THAT(outcome.err, Contains(file + ":2:"));
  CHECK(typed("simulate --model gpt2 --micro-batch-size 1 --no-chart " + file).code == 0);  // the flag drops the fingerprint
}

TEST_CASE("a plan that the planner wrote goes into every ride") {
  const MeasuredMachine here;
  const TemporaryFolder folder;
  const std::string file = folder.file("plan.yaml");

  const Outcome planned = typed("plan --model linear-regression --pp 1 --micro-batches 2 --iterations 3 --out " + file);

  CHECK(planned.code == 0);
  CHECK(planned.out == "plan written to " + file + "\n");
  CHECK(typed("simulate " + file).code == 0);
  CHECK(typed("run " + file).code == 0);
  CHECK(typed("plan " + file).out == folder.content("plan.yaml"));
}

TEST_CASE("a model comes from a Hugging Face configuration, too") {
  const std::string config = source_dir() + "/tests/models/configs/gpt2.json";

  const Outcome outcome = typed("simulate --json --on k80-x4 --pp 4 --micro-batches 1 --micro-batch-size 1 --model " + config);

  REQUIRE(outcome.code == 0);
  CHECK(json::parse(outcome.out)["plan"]["parameters"] == 124'439'808);
}

TEST_CASE("a pipeline longer than the cluster or the model is refused") {
  CHECK_THAT(typed("simulate --model mlp --on k80-x4 --pp 5").err, Contains("got \"5\", want at most 4"));
  CHECK_THAT(typed("simulate --model mlp --on tesla-k80:50 --pp 50").err, Contains("got \"50 stages\", want at most 18"));
}

TEST_CASE("a plan of too many steps is refused before anything of its size is made") {
  const std::string size = "--model mlp --on tesla-k80:1000000 --micro-batches 1000000 --pp 1000000";
  for (const char* command : {"simulate", "run", "plan", "check", "show program", "show schedule"}) {
    const Outcome outcome = typed(fmt::format("{} {}", command, size));

    INFO(command);
    CHECK(outcome.code == 2);
    CHECK_THAT(outcome.err, Contains("too many steps") && Contains("1000000 ranks x 1000000 micro-batches"));
  }
}

TEST_CASE("a schedule's grid too large to print is refused") {
  const Outcome outcome = typed("show schedule --schedule sequential --pp 600 --micro-batches 200");

  CHECK(outcome.code == 2);
  CHECK_THAT(outcome.err, Contains("too large to print"));  // 600 rows of 2 x 600 x 200 columns
}
