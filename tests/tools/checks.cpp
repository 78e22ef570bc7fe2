#include <nlohmann/json.hpp>

#include "tests/catch.hpp"
#include "tests/tools/session.hpp"

using namespace tandem;
using nlohmann::json;
using Catch::Matchers::Contains;
using Catch::Matchers::EndsWith;

namespace {

constexpr const char* kCheck = "check --model mlp --pp 2 --micro-batches 2 --micro-batch-size 2 --rounds 1 --iterations 2";

}  // namespace

TEST_CASE("a check of a small plan agrees, and says so last") {
  const MeasuredMachine here;

  const Outcome outcome = typed(kCheck);

  INFO(outcome.out << outcome.err);
  CHECK(outcome.code == 0);
  CHECK_THAT(outcome.out, Contains("mlp on host: pp 2, 1f1b, 2 micro-batches of 2\n"));
  CHECK_THAT(outcome.out, Contains("predicted: ") && Contains("measured: "));
  CHECK_THAT(outcome.out, Contains("order    identical") && Contains("memory   identical to the byte"));
  CHECK_THAT(outcome.out, Contains("numbers  bit-identical"));
  CHECK_THAT(outcome.out, EndsWith("verdict  agree\n"));
}

TEST_CASE("a check holds its comparison as JSON") {
  const MeasuredMachine here;

  const Outcome outcome = typed(std::string(kCheck) + " --json");

  REQUIRE(outcome.code == 0);
  const json result = json::parse(outcome.out);
  CHECK(result["verdict"] == "agree");
  CHECK(result["order"]["identical"] == true);
  CHECK(result["memory"]["identical"] == true);
  REQUIRE(result["memory"]["workers"].size() == 2);
  for (const json& worker : result["memory"]["workers"]) {
    CHECK(worker["predicted_bytes"].contains("weight"));
    CHECK(worker["predicted_bytes"] == worker["measured_bytes"]);
  }
  CHECK(result["numbers"]["bit_identical"] == true);
  CHECK(result["numbers"]["max_relative_error"] < 1e-4);
  for (const char* field : {"predicted_s", "measured_s", "measured_p10_s", "measured_p90_s"}) {
    INFO(field);
    CHECK(result["iteration"][field] > 0);
  }
  CHECK(result["iteration"]["error"].is_number());
  CHECK(result["iteration"]["runs"] == 1);
  CHECK(result["iteration"]["iterations"] == 1);  // one round of two iterations, of which the first is not timed
  CHECK(result["bubble"]["predicted"].size() == 2);
  CHECK(result["bubble"]["measured"].size() == 2);
  CHECK(result["steps"]["count"] > 0);
  CHECK(result["steps"]["median_error"].is_number());
  CHECK(result["steps"]["p95_error"].is_number());
  for (const char* step : {"stage 0 F", "stage 0 B", "stage 1 F", "stage 1 B"})
    CHECK(result["durations"][step]["source"] == "measured");
}

TEST_CASE("without kernels timed, every duration of a check is from the roofline") {
  const MeasuredMachine here;

  const json result = json::parse(typed(std::string(kCheck) + " --json --cost roofline").out);

  REQUIRE_FALSE(result["durations"].empty());
  for (const json& duration : result["durations"]) CHECK(duration["source"] == "roofline");
}

TEST_CASE("a check outside its tolerance disagrees") {
  const MeasuredMachine here;

  const Outcome outcome = typed(std::string(kCheck) + " --cost roofline --tolerance 0");  // no two clocks agree to the bit

  CHECK(outcome.code == 1);
  CHECK_THAT(outcome.out, Contains("time is outside the tolerance of 0.0 %") && EndsWith("verdict  disagree\n"));
}

TEST_CASE("a check of a plan for other hardware compares all but the time") {
  const MeasuredMachine here;

  const Outcome outcome = typed(std::string(kCheck) + " --on k80-x4 --json");

  CHECK(outcome.code == 0);
  CHECK(json::parse(outcome.out)["iteration"]["compared"] == false);
}

TEST_CASE("a check says which batch statistics are of each replica, and agrees all the same") {
  const MeasuredMachine here;
  const std::string line = "check --model resnet-nano --dp 2 --micro-batches 1 --rounds 1 --iterations 1 --cost roofline ";

  const Outcome own = typed(line + "--no-chart"), synchronised = typed(line + "--no-chart --sync-batch-norm on");
  const json data = json::parse(typed(line + "--json").out);

  INFO(own.out << own.err);
  CHECK(own.code == 0);
  CHECK_THAT(own.out, Contains("batch statistics are of each replica's own micro-batches (") &&
                          Contains("--sync-batch-norm on makes"));
  CHECK(synchronised.code == 0);
  CHECK_THAT(synchronised.out, !Contains("batch statistics"));
  std::size_t norms = 0;
  const json model = json::parse(typed("show model --model resnet-nano --json").out);
  for (const json& layer : model["layers"]) norms += layer["kind"] == "batch_norm";
  CHECK(norms > 0);
  CHECK(data["batch_statistics"]["of_each_replica"].size() == norms);
}

TEST_CASE("a check counts the work that ranks repeat") {
  const MeasuredMachine here;
  const std::string line = "check --model mlp --micro-batches 1 --rounds 1 --iterations 1 --cost roofline --json ";

  const json one = json::parse(typed(line).out)["work"], replicas = json::parse(typed(line + "--dp 2").out)["work"],
             naive = json::parse(typed(line + "--tp 2 --tensor naive").out)["work"];

  CHECK(one["executed_flops"] == one["model_flops"]);
  CHECK(replicas["executed_flops"] == replicas["model_flops"]);
  CHECK(replicas["model_flops"].get<double>() == 2 * one["model_flops"].get<double>());  // twice the samples
  CHECK(naive["model_flops"] == one["model_flops"]);
  CHECK(naive["beyond"] > 0);     // the non-linearities stand after the sums, so on both ranks
  CHECK(naive["beyond"] < 0.05);  // and the products are divided
}
