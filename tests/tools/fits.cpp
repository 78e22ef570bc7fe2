#include "tools/fit.hpp"

#include <fmt/format.h>

#include <map>
#include <nlohmann/json.hpp>

#include "tests/catch.hpp"
#include "tests/tools/session.hpp"

using namespace tandem;
using nlohmann::json;
using Catch::Matchers::Contains;

namespace {

std::string family_of(const TemporaryFolder& folder, std::int64_t depth) {
  return folder.write(fmt::format("tower{}.yaml", depth), fmt::format(R"(model: tower
layers:
  - {{name: vectors, kind: values, features: 64}}
  - {{name: targets, kind: target_values, features: 10}}
  - {{name: first, kind: linear, features: 64, inputs: [vectors]}}
  - repeat: {}
    name: block
    layers:
      - {{name: linear, kind: linear, features: 64}}
      - {{name: relu, kind: relu}}
      - {{name: second, kind: linear, features: 64}}
      - {{name: gelu, kind: gelu}}
  - {{name: last, kind: linear, features: 10}}
  - {{name: loss, kind: mean_squared_error, inputs: [last, targets]}}
)", depth));
}

std::string devices(const TemporaryFolder& folder, std::int64_t bytes) {
  return folder.write(fmt::format("small{}.yaml", bytes), fmt::format(R"(device: small
kind: gpu
compute: {{cores: 1, peak_fp32: 1 TFLOP/s, source: made up}}
memory: {{capacity: {} B, bandwidth: 100 GB/s, source: made up}}
link: {{latency: 1 us, bandwidth: 10 GB/s, source: made up}}
)", bytes)) + ":4";
}

json rows_of(const std::string& model, const std::string& cluster) {
  const Outcome outcome = typed(fmt::format("plan --fit --json --model {} --on {}", model, cluster));
  INFO(outcome.err);
  REQUIRE(outcome.code == 0);
  return json::parse(outcome.out);
}

}  // namespace

TEST_CASE("the deepest model that is found trains, and one block more does not") {
  const TemporaryFolder folder;
  const std::string cluster = devices(folder, 2'000'000);

  const json rows = rows_of(family_of(folder, 2), cluster);

  REQUIRE(rows.size() == 6);  // without a way to the host no offloading
  for (const json& row : rows) {
    CAPTURE(row["technique"]);
    const auto depth = row["layers"].get<std::int64_t>();
    const auto simulated = [&](std::int64_t layers) {
      const std::string flags = row["flags"];
      return typed(fmt::format("simulate --json --model {} --on {} {} {} {}", family_of(folder, layers), cluster, flags,
                               flags.find("--micro-batches") != std::string::npos ? ""
                               : flags.find("--micro-batch-size") != std::string::npos
                                   ? "--micro-batches 1" : "--micro-batches 1 --micro-batch-size 32",
                               flags.find("--schedule") == std::string::npos ? "--schedule sequential" : "")).code;
    };
    REQUIRE(depth > 0);
    CHECK(simulated(depth) == 0);
    CHECK(simulated(depth + 1) == 1);
  }
}

TEST_CASE("every technique helps, all together help most, and the classes add up to the peak") {
  const TemporaryFolder folder;
  std::map<std::string, std::int64_t> layers;

  for (const json& row : rows_of(family_of(folder, 2), devices(folder, 2'000'000))) {
    layers[row["technique"]] = row["layers"];
    std::int64_t sum = 0;
    for (const auto& [name, bytes] : row["peak_bytes"].items())
      if (name != "total") sum += bytes.get<std::int64_t>();
    CHECK(sum == row["peak_bytes"]["total"]);
    CHECK(row["needed_bytes"] <= row["usable_bytes"]);
  }

  CHECK(layers["plain"] < layers["micro-batches of 1"]);
  CHECK(layers["plain"] < layers["recompute"]);
  CHECK(layers["plain"] < layers["pipeline"]);
  CHECK(layers["all together"] >= std::max({layers["micro-batches of 1"], layers["recompute"], layers["pipeline"]}));
}

TEST_CASE("where not even one layer fits, the table says how much one needs") {
  const TemporaryFolder folder;
  const Outcome outcome = typed("plan --fit --model " + family_of(folder, 2) + " --on " + devices(folder, 1000));

  CHECK(outcome.code == 0);
  CHECK_THAT(outcome.out, Contains("plain: not even one layer fits; it needs "));
}

TEST_CASE("a technique that suits no depth is a row with the reason, and the others go on") {
  const TemporaryFolder folder;
  const std::string line = "plan --fit --model " + family_of(folder, 2) + " --on " + devices(folder, 2'000'000);

  const json rows = json::parse(typed(line + " --json --pp 3 --schedule chimera").out);  // wants an even number
  const Outcome text = typed(line + " --pp 3 --schedule chimera");

  for (const json& row : rows) {
    CAPTURE(row["technique"]);
    const bool of_pipeline = row["technique"] == "pipeline" || row["technique"] == "all together";
    CHECK(row["refusal"].is_string() == of_pipeline);
    CHECK((row["layers"] > 0) == !of_pipeline);
  }
  CHECK(rows.size() == 6);
  CHECK_THAT(text.out, Contains("pipeline: does not suit: "));
}

TEST_CASE("one huge micro-batch is cut into no more micro-batches than the search tries, and the cap is said") {
  const TemporaryFolder folder;
  const std::string line = "plan --fit --json --model " + family_of(folder, 2) + " --on " + devices(folder, 2'000'000);

  const json rows = json::parse(typed(line + " --micro-batches 1 --micro-batch-size 10000000").out);

  CHECK(rows[0]["technique"] == "plain");
  CHECK(rows[1]["technique"] == "micro-batches of 1");
  CHECK_THAT(rows[1]["refusal"].get<std::string>(), Contains("the search tries at most 500000"));
}

TEST_CASE("a model without one depth, or an output file, is refused") {
  const Outcome no_depth = typed("plan --fit --model vgg16 --on k80-x4");
  const Outcome with_file = typed("plan --fit --model gpt2 --on k80-x4 --out plan.yaml");

  CHECK(no_depth.code == 2);
  CHECK_THAT(no_depth.err, Contains("no one depth that could grow"));
  CHECK(with_file.code == 2);
  CHECK_THAT(with_file.err, Contains("--out"));
}

TEST_CASE("the table fits 80 columns and is the same every time") {
  const std::string line = "plan --fit --model gpt2 --on k80-x4";
  const Outcome outcome = typed(line);

  std::istringstream lines(outcome.out);
  for (std::string each; std::getline(lines, each);) CHECK(each.size() <= 80);
  CHECK(outcome.out == typed(line).out);
}
