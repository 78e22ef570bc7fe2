// Plans that are stored in bfloat16, ridden both ways: bytes and bits agree, and gradients are as near to double as roundings
// let them be.

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "tests/catch.hpp"
#include "tests/tools/mesh_scene.hpp"
#include "tests/tools/session.hpp"
#include "tools/check.hpp"

using namespace tandem;
using Catch::Matchers::Contains;
using Catch::Matchers::EndsWith;

namespace {

struct Row {
  const char* model;
  MeshSizes sizes;
  std::int64_t zero = 0;
  const char* schedule = "1f1b";
  const char* recompute = "none";
  const char* offload = "none";
  bool sequence_parallel = false, synchronised = false;
};

Plan plan_of(const Row& row) {
  Plan plan = mesh_plan(row.model, row.sizes, 2);
  plan.precision = ElementType::bfloat16;
  plan.zero = row.zero;
  plan.schedule = row.schedule;
  plan.recompute = row.recompute;
  plan.offload = row.offload;
  plan.sequence_parallel = row.sequence_parallel;
  plan.synchronised_batch_norm = row.synchronised;
  plan.bucket = Bytes{50'000};
  if (row.zero > 0) plan.optimizer.kind = OptimizerKind::adam;
  return plan;
}

}  // namespace

TEST_CASE("on every mesh and with every trade a plan in bf16 is predicted as it runs") {
  const Row row = GENERATE(values<Row>({
      {"linear-regression", {}},
      {"mlp", {.pipeline = 2}},
      {"gpt-nano", {.pipeline = 2, .replicas = 2}},  // a tie between stages
      {"gpt-nano", {.tensor = 2}},
      {.model = "gpt-nano", .sizes = {.tensor = 2}, .sequence_parallel = true},
      {"llama-nano", {.pipeline = 2, .tensor = 2}},
      {"vgg-nano", {.height = 2, .width = 2}},
      {.model = "resnet-nano", .sizes = {.replicas = 2}, .synchronised = true},
      {"mlp", {.replicas = 3}, 1},
      {"gpt-nano", {.replicas = 2}, 2},
      {"gpt-nano", {.pipeline = 2, .replicas = 2}, 3},
      {"mlp", {.pipeline = 2}, 0, "zb-h1"},
      {"mlp", {.pipeline = 2}, 0, "pipedream"},
      {"gpt-nano", {.pipeline = 2}, 0, "gpipe", "block", "all"},
  }));
  const Plan plan = plan_of(row);
  INFO(described(plan));

  const MeshRide ride = MeshRider().ride(plan);

  CHECK(ride.faults == std::vector<std::string>{});
  CHECK(ride.gradient_error <= numbers_tolerance(*ride.job.model, plan));
  CHECK(ride.gradient_error > 1e-4);  // so it is no run in fp32
  CHECK(ride.loss_error < 0x1p-6);
}

TEST_CASE("gradients of which a micro-batch is missing are outside the tolerance of bf16") {
  const Plan plan = plan_of({"gpt-nano", {.pipeline = 2}});
  const Job job = make_job(plan, made_up_host(), CostModel(false));
  const Dataset dataset = make_dataset(job);
  RunOptions options;
  options.optimizer = plan.optimizer;
  const RunResult run = run_on_one_thread(job.program, *job.model, dataset, options);

  const WholeModelResult one = train_whole_model(*job.model, dataset, plan.optimizer, 1, plan.micro_batches - 1,
                                                 plan.micro_batch_size, plan.seed);

  double worst = 0;
  for (std::size_t i = 0; i < one.gradients.size(); ++i)
    worst = std::max(worst, relative_error(plan.precision, run.gradients[i], one.gradients[i]));
  CHECK(worst > 2 * numbers_tolerance(*job.model, plan));
}

TEST_CASE("a check in bf16 says how it is stored and what it allows") {
  const MeasuredMachine here;
  const std::string line =
      "check --model mlp --pp 2 --micro-batches 2 --micro-batch-size 2 --rounds 1 --iterations 2 --precision bf16";

  const Outcome text = typed(line);
  const auto json = nlohmann::json::parse(typed(line + " --json").out);

  INFO(text.out << text.err);
  CHECK(text.code == 0);
  CHECK_THAT(text.out, Contains(", stored in bf16 and computed at the fp32 rate of host\n"));
  CHECK_THAT(text.out, EndsWith("verdict  agree\n"));
  CHECK(json["plan"]["precision"] == "bf16");
  CHECK(json["numbers"]["max_relative_error"] > 1e-4);
  CHECK(json["numbers"]["tolerance"] > json["numbers"]["max_relative_error"]);
  CHECK(json["durations"]["stage 0 F"]["source"] == "measured");  // widening and rounding are in what was timed
}

TEST_CASE("an unknown precision is refused") {
  const Outcome outcome = typed("simulate --model mlp --precision bf17");

  CHECK(outcome.code == 2);
  CHECK_THAT(outcome.err, Contains("--precision: no such precision; did you mean \"bf16\"?; got \"bf17\", want fp32 or bf16"));
}

TEST_CASE("a device with a rate for bf16 is faster with it, and holds less") {
  const auto simulated = [](const std::string& precision) {
    return nlohmann::json::parse(
        typed("simulate --model gpt2 --on nvidia-a100-sxm4-80gb:1 --pp 1 --micro-batch-size 2 --json --precision " +
              precision).out);
  };
  const auto wide = simulated("fp32"), half = simulated("bf16");

  CHECK(half["iteration_s"] < 0.5 * wide["iteration_s"].get<double>());
  const auto peak = [](const nlohmann::json& result) {
    return result["workers"][0]["peak_bytes"]["activation"].get<double>();
  };
  CHECK(peak(half) < 0.51 * peak(wide));
}
