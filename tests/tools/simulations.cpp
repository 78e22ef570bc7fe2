#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "tests/catch.hpp"
#include "tests/tools/session.hpp"

using namespace tandem;
using nlohmann::json;
using Catch::Matchers::Contains;
using Catch::Matchers::StartsWith;

namespace {

constexpr const char* kDevice = R"(device: tight
kind: gpu
compute: {{cores: 1, peak_fp32: 1 GFLOP/s, source: made up}}
memory: {{capacity: {} B, bandwidth: 1 GB/s, source: made up}}
)";

Outcome simulate_within(const TemporaryFolder& folder, std::int64_t bytes) {
  return typed("simulate --json --model linear-regression --micro-batches 2 --on " +
               folder.write("tight.yaml", fmt::format(kDevice, bytes)));
}

}  // namespace

TEST_CASE("a simulation prints the same bytes every time") {
  const std::string line = "simulate --model mlp --on k80-x4 --pp 4 --memory";

  CHECK(typed(line).out == typed(line).out);
  CHECK(typed(line + " --json").out == typed(line + " --json").out);
}

TEST_CASE("a simulation holds the metrics as JSON, and where each duration came from") {
  const json result = json::parse(typed("simulate --json --model mlp --on k80-x4 --pp 2").out);

  CHECK(result["plan"]["model"] == "mlp");
  CHECK(result["iteration_s"] > 0);
  CHECK(result["samples_per_s"] == Approx(32 / result["iteration_s"].get<double>()));  // 8 micro-batches of 4
  CHECK(result["workers"].size() == 2);
  for (const json& duration : result["durations"]) CHECK(duration["source"] == "roofline");
}

TEST_CASE("memory that is exactly enough is enough, and a byte less is not") {
  const TemporaryFolder folder;
  const json ample = json::parse(simulate_within(folder, 1'000'000).out);
  const auto needed = ample["workers"][0]["peak_bytes"]["total"].get<std::int64_t>();

  CHECK(simulate_within(folder, needed).code == 0);

  const Outcome refused = simulate_within(folder, needed - 1);
  CHECK(refused.code == 1);
  CHECK(refused.out.empty());
  CHECK_THAT(refused.err, StartsWith("does not fit: stage 0 needs ") && Contains(fmt::format("({} bytes)", needed)));
  CHECK_THAT(refused.err, Contains("(tight), 1 bytes more") && Contains("peak by class: weight 192 B"));
  // weights of 32 x 4 B and a bias of 4 B, each rounded up to 64 B
}

TEST_CASE("a plan that does not fit is not written") {
  const TemporaryFolder folder;

  const Outcome outcome = typed("plan --model gpt2-xl --on tesla-k80 --out " + folder.file("plan.yaml"));

  CHECK(outcome.code == 1);
  CHECK(folder.entries() == 0);
}

TEST_CASE("the picture fits the terminal") {
  for (const int width : {60, 80, 132}) {
    const Outcome outcome = run_words({"simulate", "--model", "mlp", "--on", "k80-x4", "--pp", "4"}, width);
    const std::string picture = outcome.out.substr(outcome.out.find("predicted: "));

    std::istringstream lines(picture);
    for (std::string line; std::getline(lines, line);) CHECK(line.size() <= static_cast<std::size_t>(width));
    CHECK_THAT(picture, Contains("stage 3"));
    CHECK_THAT(picture, !Contains("\033"));  // no colour unless the console asks
  }
}

TEST_CASE("no picture is drawn where none is wanted") {
  CHECK_THAT(typed("simulate --model mlp --on k80-x4 --no-chart").out, !Contains("predicted: "));
}

TEST_CASE("what a stream without a flush fills and drains is told apart from its steady state, of which there may be none") {
  const std::string line = "simulate --json --model mlp --on k80-x4 --pp 4 --schedule pipedream --micro-batches ";

  const json shorter = json::parse(typed(line + "16").out), longer = json::parse(typed(line + "48").out);
  const json none = json::parse(typed(line + "4").out)["steady_state"];

  const json& state = shorter["steady_state"];
  CHECK(state["micro_batches"] == 12);  // 16, less those that are under way when the first one leaves
  CHECK(state["warm_up_s"].get<double>() + state["steady_s"].get<double>() + state["drain_s"].get<double>() ==
        Approx(shorter["iteration_s"].get<double>()));
  CHECK(state["time_per_micro_batch_s"].get<double>() ==
        Approx(longer["steady_state"]["time_per_micro_batch_s"].get<double>()).epsilon(1e-3));
  CHECK(none["time_per_micro_batch_s"].is_null());
  CHECK(json::parse(typed("simulate --json --model mlp --on k80-x4 --pp 4").out)["steady_state"].is_null());
}
