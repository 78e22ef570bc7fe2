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
  CHECK(result["iteration"]["runs"] == 1);  // one round of two iterations, of which the first is not timed
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
