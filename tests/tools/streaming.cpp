// Streamed weights on meshes and on devices of little memory: predicted as they run, to the bits of weights that stay.

#include "base/error.hpp"
#include "plan/prices.hpp"
#include "sim/simulate.hpp"
#include "tests/catch.hpp"
#include "tests/tools/mesh_scene.hpp"
#include "tools/device_memory.hpp"

using namespace tandem;

namespace {

struct Row {
  const char* model;
  MeshSizes sizes;
  std::int64_t zero;
  std::int64_t bucket;
  OptimizerKind optimizer;
  const char* schedule = "1f1b";
};

constexpr auto kAdam = OptimizerKind::adam, kSgd = OptimizerKind::sgd;

}  // namespace

TEST_CASE("streamed weights run as predicted on every mesh, and change no bit there") {
  const Row row = GENERATE(values<Row>({
      {"mlp", {}, 0, 100'000, kAdam},
      {"gpt-nano", {}, 0, 25'000'000, kAdam},                               // a tie within the stage
      {"vgg-nano", {}, 0, 10'000, kSgd},
      {"gpt-nano", {.pipeline = 2}, 0, 100'000, kAdam},                     // a tie between stages
      {"mlp", {.replicas = 2}, 0, 100'000, kAdam},
      {"gpt-nano", {.pipeline = 2, .replicas = 2}, 0, 200'000, kSgd},
      {"gpt-nano", {.replicas = 2, .tensor = 2}, 0, 100'000, kAdam, "gpipe"},
      {"vgg-nano", {.replicas = 2, .height = 2}, 0, 10'000, kAdam},         // summands on two axes, and on one
      {"mlp", {.replicas = 3}, 1, 10'000, kAdam},                           // blocks of two sizes
      {"gpt-nano", {.pipeline = 2}, 1, 100'000, kAdam, "chimera"},
      {"gpt-nano", {.pipeline = 2, .replicas = 2}, 2, 100'000, kAdam},
      {"mlp", {.replicas = 3}, 3, 1'000'000, kAdam},                        // blocks of two sizes
      {"gpt-nano", {.pipeline = 2, .replicas = 2}, 3, 100'000, kAdam},
      {"gpt-nano", {.replicas = 2}, 3, 200'000, kSgd, "zb-h1"},
      {"gpt-nano", {.pipeline = 2}, 0, 100'000, kAdam, "chimera"},          // summands on copies of stages
      {"mlp", {.pipeline = 2}, 0, 10'000, kAdam, "chimera"},
      {"gpt-nano", {.pipeline = 2}, 0, 100'000, kSgd, "pipedream"},         // versions of weights
      {"mlp", {.pipeline = 2, .replicas = 2}, 1, 10'000, kSgd, "pipedream"},
      {"mlp", {.pipeline = 2, .replicas = 2}, 3, 10'000, kSgd, "pipedream-2bw"},
      {"mlp", {.pipeline = 2, .replicas = 2}, 3, 100'000, kSgd, "chimera"},
  }));
  Plan plan = mesh_plan(row.model, row.sizes);
  plan.collective = "ring";
  plan.zero = row.zero;
  plan.bucket = Bytes{row.bucket};
  plan.optimizer.kind = row.optimizer;
  plan.schedule = row.schedule;
  const Plan on_device = plan;
  plan.offload_weights = plan.offload_optimizer = true;
  INFO(described(plan));

  const MeshRide ride = MeshRider().ride(plan);

  CHECK(ride.faults == std::vector<std::string>{});
  CHECK(ride.gradient_error < 1e-4);
  check_same_bits(plan, on_device);
}

TEST_CASE("streamed gradients that are summed after all of backward leave once they are, wherever weights are updated") {
  const MeshSizes sizes = GENERATE(MeshSizes{.replicas = 2}, MeshSizes{.pipeline = 2, .replicas = 2},
                                   MeshSizes{.pipeline = 2, .tensor = 2});
  Plan plan = mesh_plan("gpt-nano", sizes);
  plan.overlap = false;
  plan.sequence_parallel = sizes.tensor > 1;  // gradients of norms are summed over the tensor ranks
  plan.bucket = Bytes{100'000};
  const Plan on_device = plan;
  plan.offload_weights = true;
  plan.update_on = GENERATE(UpdateOn::device, UpdateOn::host);
  INFO(described(plan));

  const MeshRide ride = MeshRider().ride(plan);

  CHECK(ride.faults == std::vector<std::string>{});
  CHECK(ride.gradient_error < 1e-4);
  check_same_bits(plan, on_device);
}

TEST_CASE("a model whose weights exceed an IPU's memory fits streamed, and nothing moves while it computes") {
  Plan plan;
  plan.model = "vit-b-16";
  plan.cluster = "graphcore-ipu-mk1:1";
  plan.pipeline = 1;
  plan.micro_batches = 2;
  plan.micro_batch_size = 1;
  const Cluster cluster = load_cluster(plan.cluster);
  const Job whole = make_job(plan, load_cluster(plan.cluster), CostModel());
  plan.offload = "all";
  plan.offload_weights = plan.offload_optimizer = true;
  plan.offload_prefetch = 0;
  plan.bucket = Bytes{1'000'000};

  const Job job = make_job(plan, load_cluster(plan.cluster), CostModel());
  const Prices prices = price(job.program, *job.model, cluster, CostModel(), plan.optimizer);
  const Timeline timeline = simulate(job.program, prices);

  CHECK_THROWS_AS(require_memory(whole), NoAnswer);
  CHECK_NOTHROW(require_memory(job));
  std::vector<std::pair<std::int64_t, std::int64_t>> computing, moving;
  for (std::uint32_t i = 0; i < job.program.step_count(); ++i) {
    const Span& span = timeline.spans[i];
    if (span.end == span.start) continue;
    (is_copy(job.program.steps()[i].kind) ? moving : computing).emplace_back(span.start.count, span.end.count);
  }
  std::sort(moving.begin(), moving.end());
  REQUIRE_FALSE(moving.empty());
  for (const auto& [start, end] : computing) {
    const auto next = std::find_if(moving.begin(), moving.end(), [&](const auto& move) { return move.second > start; });
    REQUIRE((next == moving.end() || next->first >= end));
  }
}
