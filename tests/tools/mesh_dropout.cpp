// Dropout end to end: a real run has the whole tensor's mask on every mesh, or its numbers would not be the whole
// model's.
#include <cmath>

#include "tests/base/temporary_folder.hpp"
#include "tests/catch.hpp"
#include "tests/tools/mesh_scene.hpp"

using namespace tandem;

namespace {

/// Dropout behind an embedding, of attention's probabilities, within columns, behind rows, and on the stream of residuals.
constexpr const char* kText = R"(model: dropping-text
layers:
  - {name: tokens, kind: tokens, sequence: 16, vocabulary: 256}
  - {name: targets, kind: target_tokens, sequence: 16}
  - {name: wte, kind: token_embedding, vocabulary: 256, hidden: 32, inputs: [tokens]}
  - {name: drop_0, kind: dropout, probability: 0.25}
  - repeat: 2
    name: h
    layers:
      - {name: qkv, kind: linear, features: 96, deviation: 0.2}
      - {name: core, kind: attention, heads: 8, dropout: 0.5}
      - {name: norm, kind: layer_norm}
      - {name: up, kind: linear, features: 64, deviation: 0.2}
      - {name: gelu, kind: gelu}
      - {name: drop_1, kind: dropout, probability: 0.5}
      - {name: down, kind: linear, features: 32, deviation: 0.2}
      - {name: drop_2, kind: dropout, probability: 0.25}
      - {name: add, kind: residual_add, inputs: [block_input, drop_2]}
  - {name: head, kind: linear, features: 256, bias: 0}
  - {name: loss, kind: softmax_cross_entropy, inputs: [head, targets]}
)";

/// Dropout of images, before and after a convolution, and of what follows them.
constexpr const char* kImages = R"(model: dropping-images
layers:
  - {name: images, kind: images, channels: 3, height: 9, width: 8}
  - {name: targets, kind: target_class, classes: 8}
  - {name: conv1, kind: conv2d, channels: 8, kernel: 3, padding: 1, inputs: [images]}
  - {name: drop_1, kind: dropout, probability: 0.25}
  - {name: conv2, kind: conv2d, channels: 8, kernel: 3, padding: 1}
  - {name: relu, kind: relu}
  - {name: drop_2, kind: dropout, probability: 0.5}
  - {name: flatten, kind: flatten}
  - {name: fc1, kind: linear, features: 32, deviation: 0.1}
  - {name: drop_3, kind: dropout, probability: 0.5}
  - {name: fc2, kind: linear, features: 8, deviation: 0.2}
  - {name: loss, kind: softmax_cross_entropy, inputs: [fc2, targets]}
)";

void check_masks(const Plan& plan, MeshRider& rider) {
  INFO(described(plan));

  const MeshRide ride = rider.ride(plan);

  CHECK(ride.faults == std::vector<std::string>{});
  CHECK(ride.gradient_error < 1e-4);  // a value dropped or kept in error would be an error of 1
  CHECK(ride.loss_error < 1e-5);
}

/// Every mesh of 2, 4 and 8 workers with the layouts that come of it.
void check_meshes(const std::string& model, bool space) {
  MeshRider rider;
  for (const std::int64_t workers : {1, 2, 4, 8})
    for (const MeshSizes& sizes : meshes_of(workers, space)) {
      if (sizes.height > 4 || sizes.width > 4) continue;
      Plan plan = mesh_plan(model, sizes, 2);
      check_masks(plan, rider);
      if (const std::int64_t ranks = sizes.height * sizes.width; ranks > 1) {
        Plan dealt = mesh_plan(model, sizes, 2 * ranks);
        dealt.after_space = AfterSpace::samples;  // a mask is of the sample's number, not of its place on the rank
        check_masks(dealt, rider);
      }
      if (sizes.tensor == 1) continue;
      plan.sequence_parallel = !space;
      plan.tensor_split = space ? TensorSplit::naive : TensorSplit::megatron;
      if (space) plan.layouts = {{"conv1", "replicated"}};  // three channels
      check_masks(plan, rider);
    }
}

float loss_of(const std::string& model) { return MeshRider().ride(mesh_plan(model, {}, 2)).threads.losses.at(0); }

}  // namespace

TEST_CASE("a text model drops the same values on every mesh") {
  const TemporaryFolder folder;

  check_meshes(folder.write("text.yaml", kText), false);
}

TEST_CASE("stored masks are those that would be made again") {
  const TemporaryFolder folder;
  const std::string model = folder.write("text.yaml", kText);
  for (const bool sequence_parallel : {false, true}) {
    Plan plan = mesh_plan(model, {.replicas = 2, .tensor = 2}, 2);
    plan.sequence_parallel = sequence_parallel;
    MeshRider again, stored;
    plan.dropout = DropoutUse::recomputed;
    const MeshRide want = again.ride(plan);
    plan.dropout = DropoutUse::stored;

    const MeshRide ride = stored.ride(plan);

    CHECK(ride.faults == std::vector<std::string>{});
    CHECK(ride.threads.losses == want.threads.losses);
    CHECK(ride.threads.weights == want.threads.weights);
  }
}

TEST_CASE("an image model drops the same values on every mesh, uneven parts of the image among them") {
  const TemporaryFolder folder;

  check_meshes(folder.write("images.yaml", kImages), true);
}

TEST_CASE("what is dropped shows in the loss") {
  const TemporaryFolder folder;
  std::string without = kText;
  for (const char* rate : {"probability: 0.25", "probability: 0.5", "dropout: 0.5"})
    for (std::size_t at; (at = without.find(rate)) != std::string::npos;)
      without.replace(without.find(": ", at) + 2, std::string(rate).size() - std::string(rate).find(' ') - 1, "0");

  const float dropped = loss_of(folder.write("text.yaml", kText)), whole = loss_of(folder.write("all.yaml", without));

  CHECK(std::abs(dropped - whole) > 1e-3f);
}
