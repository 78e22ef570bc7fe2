#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <sstream>

#include "tests/catch.hpp"
#include "tests/tools/session.hpp"

using namespace tandem;
using nlohmann::json;
using Catch::Matchers::Contains;
using Catch::Matchers::StartsWith;

TEST_CASE("help fits 80 columns and groups the flags") {
  for (const Command& command : commands()) {
    const std::string help = typed(fmt::format("{} --help", command.name)).out;
    std::istringstream lines(help);

    for (std::string line; std::getline(lines, line);) {
      INFO(command.name << ": " << line);
      CHECK(line.size() <= 80);
    }
  }
  CHECK_THAT(typed("simulate --help").out, Contains("\n the mesh:\n  --pp N ") && Contains("\n the prediction:\n"));
}

TEST_CASE("what is wrong in a mesh is said on one line before this machine is measured") {
  struct Row {
    std::string flags, problem;
  };
  const Row row = GENERATE(values<Row>({
      {"--tensor nave", "did you mean \"naive\"?"},
      {"--after-space replicate", "did you mean \"replicated\"?"},
      {"--model vgg-nano --spatial 2x2 --after-space samples --micro-batch-size 6", "want a multiple of 4"},
      {"--sequence-parallel oof", "did you mean \"off\"?"},
      {"--sync-batch-norm yes", "want on or off"},
      {"--overlap 1", "want on or off"},
      {"--collective rign", "did you mean \"ring\"?"},
      {"--collective aut", "did you mean \"auto\"?"},
      {"--bucket 25", "--bucket: "},
      {"--spatial 2y2", "--spatial: "},
      {"--spatial 0x2", "--spatial: "},
      {"--network analytc", "did you mean \"analytic\"?"},
      {"--model gpt-nano --tp 3", "want a multiple of 3"},
      {"--model vgg-nano --spatial 64", "64 height ranks"},
      {"--model gpt-nano --dp 1000000 --tp 1000000", "too many workers"},
      {"--model gpt-nano --on k80-x4 --dp 5", "want at most 4"},
  }));
  const TemporaryFolder cache;  // holds no profile of this machine
  setenv("XDG_CACHE_HOME", cache.file("none").c_str(), 1);

  const Outcome outcome = typed("simulate " + row.flags);

  unsetenv("XDG_CACHE_HOME");
  INFO(row.flags << "\n" << outcome.err);
  CHECK(outcome.code == 2);
  CHECK(outcome.out.empty());
  CHECK_THAT(outcome.err, StartsWith("error: ") && Contains(row.problem));
  CHECK(std::count(outcome.err.begin(), outcome.err.end(), '\n') == 1);
}

TEST_CASE("an unknown rule of a plan file is refused early, with those that there are") {
  const TemporaryFolder folder;
  const std::string file = folder.write("plan.yaml",
                                        "model: mlp\nmesh: {tensor: 2}\nlayouts: {hidden.1.linear: colums}\n");

  const Outcome outcome = typed("simulate " + file);

  CHECK(outcome.code == 2);
  CHECK_THAT(outcome.err, Contains("did you mean \"columns\"?") && !Contains("measuring"));
}

namespace {

/// Two devices and one half-duplex wire of a byte a microsecond; `linear-regression` on both, its gradients in a ring.
class Wire {
 public:
  json result_of(const std::string& command, const std::string& flags) const {
    const Outcome outcome = typed(fmt::format("{} --model linear-regression --pp 1 --dp 2 --micro-batches 1 "
                                              "--collective ring --json --on {} {}",
                                              command, cluster_, flags));
    INFO(outcome.err);
    REQUIRE(outcome.code == 0);
    return json::parse(outcome.out);
  }

 private:
  TemporaryFolder folder_;
  std::string cluster_ = folder_.write("pair.yaml",
                                       "cluster: pair\n"
                                       "devices: [{profile: tesla-k80, count: 2}]\n"
                                       "links: {wire: {bandwidth: 1 MB/s, latency: 1 us, full_duplex: false, "
                                       "source: round}}\n"
                                       "default_link: wire\n");
};

}  // namespace

TEST_CASE("an analytic network shares no link") {
  const Wire wire;

  const json shared = wire.result_of("simulate", "--network shared");
  const json analytic = wire.result_of("simulate", "--network analytic");

  // The gradients take 192 bytes (32 weights, and a bias that is padded to 64 bytes), in two blocks of 96: two rounds in
  // which both ranks send over the one half-duplex wire. Alone a block takes 96 us, the two together 192 us.
  const double apart = shared["iteration_s"].get<double>() - analytic["iteration_s"].get<double>();
  CHECK(apart == Approx(2 * (192e-6 - 96e-6)).epsilon(0.001));
}

TEST_CASE("a check predicts by the network that it is told, and agrees by both") {
  const Wire wire;
  const std::string short_run = "--rounds 1 --iterations 1";

  for (const std::string network : {" --network shared", " --network analytic"}) {
    const json check = wire.result_of("check", short_run + network);
    const json simulated = wire.result_of("simulate", network);

    CHECK(check["verdict"] == "agree");
    CHECK(check["iteration"]["predicted_s"] == simulated["iteration_s"]);
  }
  CHECK(wire.result_of("check", short_run)["iteration"]["predicted_s"] ==
        wire.result_of("simulate", "--network shared")["iteration_s"]);
  CHECK(typed("check --network analytc").code == 2);
}

TEST_CASE("the planner prices by the network that it is told") {
  const std::string line = "plan --model mlp --on k80-x4 --dp 4 --json --network ";

  const json analytic = json::parse(typed(line + "analytic").out), shared = json::parse(typed(line + "shared").out);

  CHECK(analytic["iteration_s"] != shared["iteration_s"]);
}

TEST_CASE("a simulation names what its workers waited for") {
  const std::string text = typed("simulate --model mlp --on k80-x4 --pp 2 --dp 2 --overlap off --no-chart").out;

  CHECK_THAT(text, Contains("\nwaiting    for pipeline to fill ") && Contains("collectives ") &&
                       Contains("forward inputs ") && Contains("(mean of"));
  CHECK_THAT(typed("simulate --model mlp --on k80-x4 --no-chart").out, !Contains("collectives"));
}

TEST_CASE("images are no tokens") {
  const std::string images = typed("simulate --model vgg-nano --on k80-x4 --no-chart").out;
  const std::string text = typed("simulate --model gpt-nano --on k80-x4 --no-chart").out;

  CHECK_THAT(images, Contains(" samples/s") && !Contains("tokens/s"));
  CHECK_THAT(text, Contains(" tokens/s"));
}

TEST_CASE("the planner's table has a row for each stage, whatever the ranks of it") {
  const json plan = json::parse(typed("plan --model gpt-nano --on k80-x4 --pp 2 --tp 2 --json").out);

  REQUIRE(plan["stages"].size() == 2);
  CHECK(plan["stages"][0]["first_layer"] == "tokens");
  CHECK(plan["stages"][1]["first_layer"] == plan["plan"]["cuts"][0]);
  for (const json& stage : plan["stages"]) {
    CHECK(stage["forward_s"] > 0);
    CHECK(stage["backward_s"] > stage["forward_s"]);  // two products for each one of forward
    CHECK(stage["peak_memory_bytes"] > 0);
  }
}

TEST_CASE("the planner's table has times and memory for each of the stages of a rank, and for I and W as for B") {
  for (const char* schedule : {"interleaved-1f1b", "zb-v", "zb-h1", "chimera"}) {
    CAPTURE(schedule);
    const json plan = json::parse(
        typed(std::string("plan --model gpt-nano --on k80-x4 --pp 2 --json --schedule ") + schedule).out);

    CHECK(plan["stages"].size() == plan["plan"]["cuts"].size() + 1);
    for (const json& stage : plan["stages"]) {
      CAPTURE(stage.dump());
      CHECK(stage["forward_s"] > 0);
      CHECK(stage["backward_s"] > stage["forward_s"]);  // two products for each one of forward
      CHECK(stage["peak_memory_bytes"] > 0);
    }
  }
}
