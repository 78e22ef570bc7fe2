#include <nlohmann/json.hpp>

#include "tests/catch.hpp"
#include "tests/tools/session.hpp"

using namespace tandem;
using nlohmann::json;
using Catch::Matchers::Contains;

TEST_CASE("a flag that changes nothing of the plan is refused, and one that matters is not") {
  const auto [refused, matters] = GENERATE(
      std::pair("--pp 2 --schedule zb-v --chunks 3", "--pp 2 --schedule interleaved-1f1b --chunks 3"),
      std::pair("--dp 2 --zero 2 --prefetch 2", "--dp 2 --zero 3 --prefetch 2"),
      std::pair("--dp 2 --reshard off", "--dp 2 --zero 3 --reshard off"),
      std::pair("--offload-staging 2", "--offload all --offload-staging 2"),
      std::pair("--offload-prefetch 2", "--offload-optimizer on --offload-prefetch 2"),
      std::pair("--optimizer sgd --offload-optimizer on", "--offload-optimizer on"),
      std::pair("--sequence-parallel on", "--tp 2 --sequence-parallel on"),
      std::pair("--tp 2 --tensor ulysses --sequence-parallel on", "--tp 2 --tensor best --sequence-parallel on"),
      std::pair("--tensor naive", "--tp 2 --tensor naive"),
      std::pair("--sync-batch-norm on", "--dp 2 --sync-batch-norm on"),
      std::pair("--pp 2 --collective ring", "--dp 2 --collective ring"),
      std::pair("--pp 2 --bucket 1MB", "--pp 2 --schedule chimera --bucket 1MB"),
      std::pair("--overlap off", "--tp 2 --overlap off"), std::pair("--window 3", "--pp 2 --window 3"));
  const std::string line = "simulate --json --model mlp --on k80-x4 --micro-batches 4 ";
  CAPTURE(refused);

  const Outcome outcome = typed(line + refused);

  CHECK(outcome.code == 2);
  CHECK_THAT(outcome.err, Contains(": it changes nothing: "));
  const Outcome other = typed(line + matters);
  INFO(other.err);
  CHECK(other.code == 0);
}

TEST_CASE("keys of a plan file without effect are named with the reason, and no others are") {
  const TemporaryFolder folder;
  const std::string file = folder.write("plan.yaml", R"(model: mlp
cluster: k80-x4
mesh: {pipeline: 2}
schedule: zb-v
chunks: 3
prefetch: 4
window: 3
recompute: selective
data: )" + folder.write("text.txt", "not read") + "\n");

  const json plan = json::parse(typed("simulate --json " + file).out)["plan"];
  const Outcome text = typed("simulate --no-chart " + file);

  const json& keys = plan["without_effect"];
  CHECK(keys.size() == 4);
  CHECK(keys["chunks"] == "the schedule zb-v decides how many stages a rank runs");
  CHECK(keys["prefetch"] == "weights are sharded only with zero: 3");
  CHECK(keys["recompute"] == "no layer of the model is computed again");  // mlp has no attention
  CHECK(keys["data"] == "the model reads no text");
  CHECK_THAT(text.out, Contains("\nwithout effect: chunks (the schedule zb-v decides how many stages a rank runs)\n"));
}

TEST_CASE("a tolerance of times that are not compared is refused") {
  const Outcome outcome = typed("check --model mlp --on k80-x4 --pp 2 --tolerance 5");

  CHECK(outcome.code == 2);
  CHECK_THAT(outcome.err, Contains("--tolerance: times are not compared"));
}
