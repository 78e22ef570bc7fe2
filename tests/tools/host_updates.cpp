// Updates on the host's cores on meshes: predicted as they run, to the bits of updates on the devices.

#include "tests/catch.hpp"
#include "tests/tools/mesh_scene.hpp"

using namespace tandem;

namespace {

struct Row {
  const char* model;
  MeshSizes sizes;
  std::int64_t zero;
  std::int64_t bucket;
  OptimizerKind optimizer;
  const char* schedule = "1f1b";
  bool streams = false;
  std::int64_t shard_ranks = 0;
  ElementType precision = ElementType::float32;
  bool float_gradients = false;
};

constexpr auto kAdam = OptimizerKind::adam, kSgd = OptimizerKind::sgd;

}  // namespace

TEST_CASE("updates on the host run as predicted on every mesh, and change no bit there") {
  const Row row = GENERATE(values<Row>({
      {"mlp", {}, 0, 100'000, kAdam},
      {"gpt-nano", {}, 0, 25'000'000, kAdam},                          // a tie within the stage
      {"gpt-nano", {.pipeline = 2}, 0, 100'000, kSgd},                 // a tie between stages
      {"mlp", {.replicas = 2}, 0, 100'000, kAdam},
      {"gpt-nano", {.replicas = 2, .tensor = 2}, 0, 100'000, kAdam, "gpipe"},
      {"vgg-nano", {.replicas = 2, .height = 2}, 0, 10'000, kAdam},    // summands on two axes, and on one
      {"mlp", {.replicas = 3}, 1, 100'000, kAdam},                     // blocks of two sizes
      {"gpt-nano", {.pipeline = 2, .replicas = 2}, 1, 200'000, kAdam},
      {"mlp", {.replicas = 3}, 2, 100'000, kAdam},                     // the paper's own
      {"gpt-nano", {.pipeline = 2, .replicas = 2}, 2, 200'000, kAdam},
      {"gpt-nano", {.replicas = 2}, 2, 200'000, kSgd, "zb-h1"},
      {"mlp", {.replicas = 4}, 2, 100'000, kAdam, "1f1b", false, 2},   // two copies of two blocks
      {"mlp", {.replicas = 3}, 3, 1'000'000, kAdam},
      {"gpt-nano", {.pipeline = 2, .replicas = 2}, 3, 100'000, kAdam},
      {"gpt-nano", {.replicas = 2}, 3, 200'000, kSgd, "zb-h1", true},
      {"mlp", {.replicas = 2}, 0, 100'000, kAdam, "1f1b", true},
      {"gpt-nano", {.replicas = 2}, 2, 200'000, kAdam, "1f1b", false, 0, ElementType::bfloat16},
      {"mlp", {.replicas = 2}, 1, 100'000, kSgd, "1f1b", false, 0, ElementType::bfloat16},
      {"gpt-nano", {.pipeline = 2, .replicas = 2}, 2, 25'000'000, kAdam, "zb-h1", false, 0, ElementType::bfloat16, true},
      {"gpt-nano", {.replicas = 2}, 0, 100'000, kAdam, "1f1b", true, 0, ElementType::bfloat16, true},
  }));
  Plan plan = mesh_plan(row.model, row.sizes);
  plan.collective = "ring";
  plan.zero = row.zero;
  plan.shard_ranks = row.shard_ranks;
  plan.bucket = Bytes{row.bucket};
  plan.optimizer.kind = row.optimizer;
  plan.schedule = row.schedule;
  plan.offload_weights = row.streams;
  plan.precision = row.precision;
  plan.float_gradients = row.float_gradients;
  const Plan on_device = plan;
  plan.update_on = UpdateOn::host;
  INFO(described(plan));

  const MeshRide ride = MeshRider().ride(plan);

  CHECK(ride.faults == std::vector<std::string>{});
  if (row.precision == ElementType::float32) CHECK(ride.gradient_error < 1e-4);
  check_same_bits(plan, on_device);
}
