#include <fmt/format.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "exec/npy.hpp"
#include "models/model.hpp"
#include "tests/catch.hpp"
#include "tests/tools/session.hpp"

using namespace tandem;
using nlohmann::json;
using Catch::Matchers::Contains;

namespace {

constexpr const char* kRun = "run --json --model mlp --micro-batches 2 --micro-batch-size 2 --iterations 3";

json run(const std::string& more) {
  const Outcome outcome = typed(fmt::format("{} {}", kRun, more));
  INFO(outcome.err);
  REQUIRE(outcome.code == 0);
  return json::parse(outcome.out);
}

/// Every key of `value` and what it holds, but for times.
void erase_times(json& value) {
  if (value.is_object())
    for (auto at = value.begin(); at != value.end();) {
      const std::string& key = at.key();
      const bool timed = key.ends_with("_s") || key.ends_with("bubble") || key == "model_flop_utilisation" ||
                         key == "imbalance" || key == "idle" || key == "critical_path";
      at = timed ? value.erase(at) : std::next(at);
    }
  for (json& inner : value)
    if (inner.is_structured()) erase_times(inner);
}

NpyArray array(const TemporaryFolder& folder, const std::string& name) {
  return parse_npy(folder.content(name), name);
}

}  // namespace

TEST_CASE("a run prints one loss per iteration and the measured time") {
  const MeasuredMachine here;

  const json result = run("");

  CHECK(result["losses"].size() == 3);
  CHECK(result["losses"][0] != result["losses"][1]);
  CHECK(result["iteration"]["measured_s"] > 0);
  CHECK(result["iteration"]["iterations"] == 2);  // the first is not timed
}

TEST_CASE("the same run twice gives the same result apart from times") {
  const MeasuredMachine here;
  json first = run("--pp 2"), second = run("--pp 2");

  erase_times(first);
  erase_times(second);

  CHECK(first["losses"].size() == 3);
  CHECK(first == second);
}

TEST_CASE("losses are the same to the bit over stages and schedules") {
  const MeasuredMachine here;
  const json losses = run("--pp 1")["losses"];

  for (const int stages : {1, 2, 4})
    for (const char* schedule : {"sequential", "gpipe", "1f1b"})
      CHECK(run(fmt::format("--pp {} --schedule {}", stages, schedule))["losses"] == losses);
}

TEST_CASE("another seed gives other losses") {
  const MeasuredMachine here;

  CHECK(run("--seed 1")["losses"] != run("--seed 2")["losses"]);
}

TEST_CASE("a dump holds every parameter, its gradient and the losses") {
  const MeasuredMachine here;
  const TemporaryFolder folder;
  const Model model = load_model("mlp");

  const json result = run("--pp 2 --dump " + folder.file("dump"));

  for (const Parameter& parameter : model.parameters()) {
    INFO(parameter.name);
    for (const char* kind : {"weights", "gradients"}) {
      const NpyArray values = array(folder, fmt::format("dump/{}/{}.npy", kind, parameter.name));
      CHECK(std::ranges::equal(values.shape, parameter.spec.dims));
      CHECK(std::ssize(values.values) == parameter.spec.elements());
    }
  }
  const NpyArray losses = array(folder, "dump/losses.npy");
  CHECK(losses.shape == std::vector<std::int64_t>{3});
  for (std::size_t i = 0; i < 3; ++i) CHECK(losses.values[i] == result["losses"][i].get<float>());
}

TEST_CASE("a tied weight is dumped once, under its first name") {
  const MeasuredMachine here;
  const TemporaryFolder folder;

  REQUIRE(typed("run --model gpt-nano --micro-batches 1 --micro-batch-size 1 --iterations 1 --dump " + folder.file("dump"))
              .code == 0);

  const NpyArray embedding = array(folder, "dump/weights/wte.weight.npy");
  CHECK(embedding.shape == std::vector<std::int64_t>{256, 128});
  CHECK_FALSE(std::filesystem::exists(folder.file("dump/weights/lm_head.weight.npy")));
}

TEST_CASE("a dump goes into a folder that exists only by force") {
  const MeasuredMachine here;
  const TemporaryFolder folder;
  const std::string line = "run --model linear-regression --iterations 1 --dump " + folder.file("");

  const Outcome refused = typed(line);
  CHECK(refused.code == 2);
  CHECK(refused.out.empty());
  CHECK_THAT(refused.err, Contains("--force"));
  CHECK(folder.entries() == 0);

  CHECK(typed(line + " --force").code == 0);
  CHECK(folder.entries() == 3);  // weights, gradients, losses.npy
}

TEST_CASE("the data of a run must be there, and must be a text long enough") {
  const MeasuredMachine here;
  const TemporaryFolder folder;
  const std::string line = "run --model gpt-nano --iterations 1 --data ";

  CHECK_THAT(typed(line + folder.file("missing.txt")).err, Contains("missing.txt: error: cannot read"));
  CHECK(typed(line + folder.write("short.txt", "too short")).code == 2);
}

TEST_CASE("a run shows its losses, metrics and timeline as text") {
  const MeasuredMachine here;

  const Outcome outcome = typed("run --model linear-regression --micro-batches 2 --iterations 2");

  CHECK(outcome.code == 0);
  CHECK_THAT(outcome.out, Contains("linear-regression on host: pp 1, 1f1b, 2 micro-batches of 4\n"));
  CHECK_THAT(outcome.out, Contains("iteration     1  loss ") && Contains("iteration     2  loss "));
  CHECK_THAT(outcome.out, Contains("measured: ") && Contains("stage 0 |"));
}

TEST_CASE("a run follows another device's clock") {
  const TemporaryFolder folder;
  const std::string slow = folder.write("slow.yaml", R"(device: slow
kind: gpu
compute: {cores: 1, peak_fp32: 100 kFLOP/s, source: made up}
memory: {capacity: 1 GB, bandwidth: 1 GB/s, source: made up}
)");

  const Outcome outcome =
      typed("run --json --model linear-regression --micro-batches 1 --micro-batch-size 1 --iterations 2 --pace 1 --on " + slow);

  INFO(outcome.err);
  REQUIRE(outcome.code == 0);
  // F of one sample: 2 x 32 operations and more, 0.64 ms at 100,000 a second; B as much again
  CHECK(json::parse(outcome.out)["iteration"]["measured_s"] >= 0.00128);
}

TEST_CASE("more memory than the machine has is refused before the run") {
  const MeasuredMachine here;

  const Outcome outcome = typed("run --model mlp --micro-batch-size 4294967295");

  CHECK(outcome.code == 3);
  CHECK_THAT(outcome.err, Contains("memory"));
}
