// Sharded data parallelism, ridden both ways: what is predicted runs, with the bits of the plan that shards nothing.

#include "tests/catch.hpp"
#include "tests/tools/mesh_scene.hpp"

using namespace tandem;

namespace {

struct Row {
  const char* model;
  MeshSizes sizes;
  const char* collective;
  std::int64_t bucket;
  OptimizerKind optimizer;
  const char* schedule = "1f1b";
};

Plan plan_of(const Row& row, std::int64_t zero) {
  Plan plan = mesh_plan(row.model, row.sizes);
  plan.zero = zero;
  plan.collective = row.collective;
  plan.bucket = Bytes{row.bucket};
  plan.optimizer.kind = row.optimizer;
  plan.schedule = row.schedule;
  return plan;
}

constexpr auto kAdam = OptimizerKind::adam, kSgd = OptimizerKind::sgd;

}  // namespace

TEST_CASE("a sharded optimizer state is predicted as it runs, and changes no bit") {
  const Row row = GENERATE(values<Row>({
      {"linear-regression", {.replicas = 2}, "ring", 25'000'000, kAdam},
      {"mlp", {.replicas = 3}, "ring", 25'000'000, kAdam},             // blocks of two sizes
      {"mlp", {.replicas = 2}, "direct", 100'000, kSgd},
      {"mlp", {.replicas = 4}, "halving_doubling", 1'000'000, kAdam},
      {"mlp", {.pipeline = 2, .replicas = 2}, "ring", 1'000, kAdam, "gpipe"},
      {"gpt-nano", {.replicas = 4}, "ring", 25'000'000, kAdam},
      {"gpt-nano", {.replicas = 2}, "ring", 10'000, kSgd},
      {"gpt-nano", {.pipeline = 2, .replicas = 2}, "ring", 10'000, kAdam},  // a tie between stages
      {"gpt-nano", {.replicas = 2, .tensor = 2}, "direct", 10'000, kAdam},
      {"vgg-nano", {.replicas = 2, .height = 2}, "ring", 10'000, kAdam},    // summands on two axes
      {"mlp", {.pipeline = 2}, "ring", 10'000, kAdam, "chimera"},           // copies of stages
      {"gpt-nano", {.pipeline = 2, .replicas = 2}, "ring", 100'000, kAdam, "chimera"},
      {"mlp", {.pipeline = 2, .replicas = 3}, "ring", 10'000, kAdam, "chimera"},
      {"mlp", {.pipeline = 2, .replicas = 2, .tensor = 2}, "direct", 10'000, kSgd, "chimera"},
  }));
  const Plan plan = plan_of(row, 1);
  INFO(described(plan));

  const MeshRide ride = MeshRider().ride(plan);

  CHECK(ride.faults == std::vector<std::string>{});
  CHECK(ride.gradient_error < 1e-4);
  CHECK(ride.loss_error < 1e-5);
  check_same_bits(plan, plan_of(row, 0));
}

TEST_CASE("sharded gradients and weights run as predicted, with one micro-batch to the same bits") {
  const std::int64_t zero = GENERATE(2, 3);
  const Row row = GENERATE(values<Row>({
      {"linear-regression", {.replicas = 2}, "ring", 25'000'000, kAdam},
      {"mlp", {.replicas = 3}, "ring", 25'000'000, kAdam},             // blocks of two sizes
      {"mlp", {.replicas = 2}, "direct", 100'000, kSgd},
      {"mlp", {.pipeline = 2, .replicas = 2}, "ring", 1'000, kAdam, "gpipe"},
      {"gpt-nano", {.replicas = 2}, "ring", 25'000'000, kAdam},        // a tie within the stage
      {"gpt-nano", {.replicas = 2}, "ring", 200'000, kSgd},
      {"gpt-nano", {.pipeline = 2, .replicas = 2}, "ring", 100'000, kAdam},  // a tie between stages
      {"gpt-nano", {.replicas = 2, .tensor = 2}, "direct", 100'000, kAdam},
  }));
  Plan plan = plan_of(row, zero), whole = plan_of(row, 0);
  INFO("zero " << zero << " " << described(plan));

  const MeshRide ride = MeshRider().ride(plan);

  CHECK(ride.faults == std::vector<std::string>{});
  CHECK(ride.gradient_error < 1e-4);
  CHECK(ride.loss_error < 1e-5);
  plan.micro_batches = whole.micro_batches = 1;  // with more, replicas are summed before micro-batches are
  if (row.sizes.replicas == 2) check_same_bits(plan, whole);  // of two summands no place in a bucket changes the sum
}

TEST_CASE("every update of an asynchronous schedule may be sharded, and changes no bit") {
  struct Case {
    const char* schedule;
    std::int64_t zero;
  };
  const Case drawn = GENERATE(values<Case>({{"pipedream", 1}, {"pipedream", 2}, {"pipedream", 3},
                                            {"pipedream-vertical-sync", 3}, {"pipedream-2bw", 1}}));
  const Row row{"gpt-nano", {.pipeline = 2, .replicas = 2}, "ring", 100'000, kSgd, drawn.schedule};
  Plan plan = plan_of(row, drawn.zero), whole = plan_of(row, 0);
  plan.micro_batches = whole.micro_batches = 4;
  INFO("zero " << drawn.zero << " " << described(plan));

  const MeshRide ride = MeshRider().ride(plan);

  CHECK(ride.faults == std::vector<std::string>{});
  CHECK(ride.gradient_error < 1e-4);
  check_same_bits(plan, whole);
}

TEST_CASE("copies of stages sum what their replicas have sharded, as predicted") {
  const std::int64_t zero = GENERATE(2, 3);
  const Row row = GENERATE(values<Row>({
      {"mlp", {.pipeline = 2, .replicas = 3}, "ring", 10'000, kAdam, "chimera"},  // blocks of two sizes
      {"gpt-nano", {.pipeline = 2, .replicas = 2}, "ring", 100'000, kSgd, "dualpipe"},
  }));
  Plan plan = plan_of(row, zero), whole = plan_of(row, 0);
  plan.micro_batches = whole.micro_batches = 4;
  plan.update_on = row.optimizer == kAdam ? UpdateOn::host : UpdateOn::device;
  INFO("zero " << zero << " " << described(plan));

  const MeshRide ride = MeshRider().ride(plan), other = MeshRider().ride(whole);

  CHECK(ride.faults == std::vector<std::string>{});
  CHECK(ride.gradient_error < 1e-4);
  CHECK(same_bits(ride.threads.losses, other.threads.losses));
}

TEST_CASE("weights are gathered ahead, late, or once an iteration, to the same bits") {
  struct Way {
    std::int64_t prefetch;
    bool reshard, overlap;
  };
  const Way way = GENERATE(values<Way>({{0, true, true}, {2, true, true}, {1, false, true}, {1, true, false}}));
  const char* schedule = GENERATE("1f1b", "zb-h1", "pipedream");
  Plan plan = plan_of({"mlp", {.pipeline = 2, .replicas = 2}, "ring", 1'000, kAdam, schedule}, 3);
  const Plan usual = plan;
  plan.prefetch = way.prefetch;
  plan.reshard = way.reshard;
  plan.overlap = way.overlap;

  const MeshRide ride = MeshRider().ride(plan);

  CHECK(ride.faults == std::vector<std::string>{});
  check_same_bits(plan, usual);
}

TEST_CASE("weights are gathered for what is computed again, too") {
  Plan plan = plan_of({"gpt-nano", {.replicas = 2}, "ring", 100'000, kAdam}, 3);
  plan.recompute = "block";
  Plan whole = plan;
  whole.zero = 0;

  const MeshRide ride = MeshRider().ride(plan);

  CHECK(ride.faults == std::vector<std::string>{});
  plan.micro_batches = whole.micro_batches = 1;
  check_same_bits(plan, whole);
}

TEST_CASE("what is sharded may lie on the host, too, and changes no bit there") {
  const std::int64_t zero = GENERATE(1, 2, 3);
  const char* schedule = GENERATE("1f1b", "pipedream");
  Plan plan = plan_of({"gpt-nano", {.pipeline = 2, .replicas = 2}, "ring", 100'000, kAdam, schedule}, zero);
  const Plan on_device = plan;
  plan.offload = "all";
  plan.offload_optimizer = true;

  const MeshRide ride = MeshRider().ride(plan);

  CHECK(ride.faults == std::vector<std::string>{});
  check_same_bits(plan, on_device);
}

TEST_CASE("replicas of a node may share a copy, as the hierarchical sum divides it") {
  const std::int64_t zero = GENERATE(1, 2, 3);
  Plan plan = plan_of({"mlp", {.replicas = 4}, "ring", 1'000'000, kAdam}, zero);
  plan.shard_ranks = 2;
  plan.update_on = GENERATE(UpdateOn::device, UpdateOn::host);

  const MeshRide ride = MeshRider().ride(plan);

  CHECK(ride.faults == std::vector<std::string>{});
  CHECK(ride.gradient_error < 1e-4);
}
