// Batch statistics of each replica's own samples make the result depend on the number of replicas; shared ones do not.
#include <cmath>

#include "tests/base/temporary_folder.hpp"
#include "tests/catch.hpp"
#include "tests/tools/mesh_scene.hpp"
#include "tools/check.hpp"

using namespace tandem;

namespace {

/// resnet-nano over two micro-batches of eight samples, shared out among the replicas.
CheckResult checked(std::int64_t replicas, bool synchronised) {
  Plan plan = mesh_plan("resnet-nano", {.replicas = replicas}, 8 / replicas);
  plan.synchronised_batch_norm = synchronised;
  plan.optimizer.learning_rate = 0.01;
  CheckOptions options;
  options.rounds = 1;
  options.iterations = 2;
  options.measured = false;
  return run_check(plan, made_up_host(), options);
}

double apart(const CheckResult& a, const CheckResult& b, std::size_t iteration) {
  return std::abs(static_cast<double>(a.numbers.losses.at(iteration)) / b.numbers.losses.at(iteration) - 1);
}

/// A batch norm behind the images' end.
constexpr const char* kLate = R"(model: late-statistics
layers:
  - {name: images, kind: images, channels: 3, height: 9, width: 8}
  - {name: targets, kind: target_class, classes: 8}
  - {name: conv1, kind: conv2d, channels: 8, kernel: 3, padding: 1, inputs: [images]}
  - {name: relu1, kind: relu}
  - {name: flatten, kind: flatten}
  - {name: fc1, kind: linear, features: 32, bias: 0, deviation: 0.1}
  - {name: norm, kind: batch_norm}
  - {name: relu2, kind: relu}
  - {name: fc2, kind: linear, features: 8, deviation: 0.2}
  - {name: loss, kind: softmax_cross_entropy, inputs: [fc2, targets]}
)";

}  // namespace

TEST_CASE("behind the hand-over to samples statistics are those of the whole micro-batch") {
  const TemporaryFolder folder;
  MeshRider rider;
  for (const MeshSizes& sizes :
       {MeshSizes{.height = 2}, MeshSizes{.height = 2, .width = 2}, MeshSizes{.replicas = 2, .width = 2}}) {
    Plan plan = mesh_plan(folder.write("late.yaml", kLate), sizes, 4);
    plan.after_space = AfterSpace::samples;
    INFO(described(plan));

    const MeshRide ride = rider.ride(plan);

    CHECK(ride.faults == std::vector<std::string>{});
    CHECK(ride.gradient_error < 1e-4);
    CHECK(own_statistics(ride.job).size() == (sizes.replicas > 1 ? 1 : 0));  // of replicas, not of ranks over space
  }
}

TEST_CASE("two replicas with statistics of their own get other losses than one, and the check says why and agrees") {
  const CheckResult one = checked(1, false), two = checked(2, false);

  CHECK(one.agrees);
  CHECK(two.agrees);
  CHECK(two.numbers.bit_identical);
  CHECK(apart(two, one, 0) > 1e-3);  // far more than rounding
  CHECK(own_statistics(one.job).empty());
  CHECK(own_statistics(two.job).size() == 6);  // the model's batch norms
  CHECK(verdict_text(two, {}).find("the result depends on the number of replicas") != std::string::npos);
  CHECK(verdict_text(one, {}).find("the number of replicas") == std::string::npos);
}

TEST_CASE("with synchronised statistics any number of replicas gets the losses of one") {
  const CheckResult one = checked(1, false);

  for (const std::int64_t replicas : {2, 4, 8}) {
    const CheckResult several = checked(replicas, true);

    INFO(replicas << " replicas");
    CHECK(several.agrees);
    CHECK(own_statistics(several.job).empty());
    CHECK(apart(several, one, 0) < 1e-5);
    CHECK(apart(several, one, 1) < 1e-4);  // after an update by gradients that agree to 1e-4
  }
}
