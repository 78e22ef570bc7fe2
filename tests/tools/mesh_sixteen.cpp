// Meshes of 16 workers, where they are cheap: many more threads than cores, and as exact.
#include "tests/catch.hpp"
#include "tests/tools/mesh_scene.hpp"

using namespace tandem;

namespace {

void check_rides(const std::string& model, const std::vector<MeshSizes>& meshes) {
  constexpr const char* kAlgorithms[] = {"ring", "halving_doubling", "tree", "direct", "hierarchical", "auto"};
  constexpr const char* kSchedules[] = {"1f1b", "gpipe", "sequential"};
  MeshRider rider;
  std::size_t number = 0;
  for (const MeshSizes& sizes : meshes) {
    Plan plan = mesh_plan(model, sizes);
    plan.overlap = number % 2 == 0;
    plan.collective = kAlgorithms[number % 6];
    plan.schedule = kSchedules[number++ % 3];
    INFO(described(plan));

    const MeshRide ride = rider.ride(plan);

    REQUIRE(ride.job.program.workers().size() == 16);
    CHECK(ride.faults == std::vector<std::string>{});
    CHECK(ride.gradient_error < 1e-4);
    CHECK(ride.loss_error < 1e-5);
    const MeshFlops flops = mesh_flops(ride.job);
    CHECK((flops.executed == flops.whole + flops.repeated));
  }
}

}  // namespace

TEST_CASE("meshes of 16 workers agree for an mlp, pipelines, replicas and tensor ranks alone and mixed") {
  check_rides("mlp", {{.pipeline = 4, .replicas = 2, .tensor = 2},
                      {.replicas = 16},
                      {.tensor = 16},
                      {.pipeline = 16},
                      {.pipeline = 2, .tensor = 8},
                      {.replicas = 4, .tensor = 4},
                      {.pipeline = 2, .replicas = 4, .tensor = 2}});
}

TEST_CASE("meshes of 16 workers agree for vgg-nano, over images too") {
  check_rides("vgg-nano", {{2, 2, 2, 2, 1}, {1, 1, 4, 4, 1}, {1, 2, 4, 2, 1}, {4, 1, 2, 1, 2}, {1, 2, 2, 2, 2}});
}

TEST_CASE("meshes of 16 workers agree for gpt-nano and llama-nano") {
  check_rides("gpt-nano", {{4, 2, 1, 1, 2}, {2, 2, 1, 1, 4}});
  check_rides("llama-nano", {{2, 4, 1, 1, 2}});
}
