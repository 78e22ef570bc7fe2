// Losses do not depend on the mesh beyond rounding, and on the pipeline not at all.
#include <algorithm>
#include <cmath>

#include "exec/run.hpp"
#include "tests/catch.hpp"
#include "tests/tools/mesh_scene.hpp"
#include "tests/tools/rounded_walk.hpp"

using namespace tandem;

namespace {

constexpr std::int64_t kMicroBatches = 2, kSamples = 4;  // of all replicas together, in one micro-batch
constexpr double kGradientTolerance = 1e-4;              // of a tensor's largest: what a check allows

/// The same global batch on every mesh: replicas share out the samples of each micro-batch.
Plan loss_plan(const std::string& model, const MeshSizes& sizes) {
  Plan plan = mesh_plan(model, sizes, kSamples / sizes.replicas);
  plan.micro_batches = kMicroBatches;
  plan.synchronised_batch_norm = true;
  plan.optimizer.learning_rate = 0.05;
  return plan;
}

std::vector<float> losses_on(const Plan& plan, std::int64_t iterations) {
  const Job job = make_job(plan, made_up_host(), CostModel(false));
  RunOptions options;
  options.optimizer = plan.optimizer;
  options.seed = plan.seed;
  options.iterations = iterations;
  return run_on_one_thread(job.program, *job.model, make_dataset(job), options).losses;
}

/// The first two losses in double, and how far each may be off in float.
struct Expected {
  double losses[2], rounding[2];
};

/// Adds up |gradient| times the largest error of a weight that an agreeing update leaves: the learning rate times the
/// tolerance times the largest gradient of its tensor.
double error_of_weights(const std::vector<AlignedValues<double>>& gradients,
                        const std::vector<std::vector<double>>& before, double learning_rate) {
  double sum = 0;
  for (std::size_t p = 0; p < gradients.size(); ++p) {
    double largest = 0, all = 0;
    for (const double value : before[p]) largest = std::max(largest, std::abs(value));
    for (const double value : gradients[p]) all += std::abs(value);
    sum += learning_rate * kGradientTolerance * largest * all;
  }
  return sum;
}

Expected expected(const std::string& name) {
  const Plan plan = loss_plan(name, {});
  const Job job = make_job(plan, made_up_host(), CostModel(false));
  const Dataset dataset = make_dataset(job);
  const auto whole = [&](std::int64_t iterations) {
    return train_whole_model(*job.model, dataset, plan.optimizer, iterations, kMicroBatches, kSamples, plan.seed);
  };
  const WholeModelResult start = whole(0), first = whole(1);
  Expected result{};
  for (const int iteration : {0, 1}) {
    const auto& weights = iteration == 0 ? start.weights : first.weights;
    for (std::int64_t batch = 0; batch < kMicroBatches; ++batch) {
      const RoundedLoss loss = rounded_loss(*job.model, dataset, weights, iteration, batch * kSamples, kSamples);
      result.losses[iteration] += loss.loss / kMicroBatches;
      result.rounding[iteration] += loss.rounding / kMicroBatches;
      if (iteration == 1)
        result.rounding[1] +=
            error_of_weights(loss.gradients, first.gradients, plan.optimizer.learning_rate) / kMicroBatches;
    }
    constexpr double kMean = 8 * 0x1p-24;  // over micro-batches and replicas, each loss a float
    result.rounding[iteration] += kMean * result.losses[iteration];
  }
  return result;
}

/// The weight on which the loss depends most, and how much.
std::pair<std::pair<std::size_t, std::size_t>, double> steepest_weight(const RoundedLoss& loss) {
  std::pair<std::size_t, std::size_t> at{0, 0};
  for (std::size_t p = 0; p < loss.gradients.size(); ++p)
    for (std::size_t i = 0; i < loss.gradients[p].size(); ++i)
      if (std::abs(loss.gradients[p][i]) > std::abs(loss.gradients[at.first][at.second])) at = {p, i};
  return {at, loss.gradients[at.first][at.second]};
}

/// Meshes of up to eight workers whose replicas divide the samples.
std::vector<MeshSizes> meshes(bool space, std::int64_t most_tensor) {
  std::vector<MeshSizes> all;
  for (const std::int64_t workers : {1, 2, 4, 8})
    for (const MeshSizes& sizes : meshes_of(workers, space))
      if (kSamples % sizes.replicas == 0 && sizes.height <= 4 && sizes.width <= 4 && sizes.tensor <= most_tensor)
        all.push_back(sizes);
  return all;
}

void check_losses(const std::string& model, bool space, std::int64_t most_tensor = 8) {
  const Expected want = expected(model);
  CAPTURE(model, want.losses[0], want.rounding[0], want.losses[1], want.rounding[1]);
  CHECK(want.rounding[0] < 1e-4 * want.losses[0]);  // else the bound says nothing
  CHECK(want.rounding[1] < 1e-2 * want.losses[1]);
  for (const MeshSizes& sizes : meshes(space, most_tensor)) {
    const Plan plan = loss_plan(model, sizes);
    INFO(described(plan));

    const std::vector<float> losses = losses_on(plan, 2);

    REQUIRE(losses.size() == 2);
    for (const std::size_t i : {0u, 1u})
      CHECK(std::abs(static_cast<double>(losses[i]) - want.losses[i]) <= want.rounding[i]);
  }
}

}  // namespace

TEST_CASE("losses of an mlp are the same on every mesh of one global batch, within a derived bound of rounding") {
  check_losses("mlp", false);
}
TEST_CASE("losses of gpt-nano are the same on every mesh of one global batch, within a derived bound of rounding") {
  check_losses("gpt-nano", false, 4);
}
TEST_CASE("losses of llama-nano are the same on every mesh of one global batch, within a derived bound of rounding") {
  check_losses("llama-nano", false, 4);
}
TEST_CASE("losses of vgg-nano are the same on every mesh of one global batch, within a derived bound of rounding") {
  check_losses("vgg-nano", true);
}
TEST_CASE("losses of resnet-nano are the same on every mesh of one global batch, within a derived bound of rounding") {
  check_losses("resnet-nano", true);
}

TEST_CASE("meshes that are a pipeline alone give the same bits for three iterations of every model") {
  const std::string model = GENERATE("mlp", "gpt-nano", "llama-nano", "vgg-nano", "resnet-nano");
  const std::vector<float> whole = losses_on(loss_plan(model, {}), 3);

  for (const std::int64_t ranks : {2, 4, 8})
    for (const char* schedule : {"1f1b", "gpipe", "sequential"}) {
      Plan plan = loss_plan(model, {.pipeline = ranks});
      plan.schedule = schedule;
      INFO(described(plan));

      CHECK(losses_on(plan, 3) == whole);
    }
  CHECK(whole[0] != whole[1]);  // it learns
}

TEST_CASE("the bound of rounding is of a loss's own size, and a weight that is off by more than it shows") {
  const Model model = load_model("mlp");
  const Dataset dataset(model, "", 1);
  auto weights = train_whole_model(model, dataset, {}, 0, 1, 4, 1).weights;

  const RoundedLoss loss = rounded_loss(model, dataset, weights, 0, 0, 4);
  const auto [steepest, slope] = steepest_weight(loss);
  weights[steepest.first][steepest.second] += 2 * loss.rounding / slope;
  const RoundedLoss other = rounded_loss(model, dataset, weights, 0, 0, 4);

  CHECK(loss.rounding > 0x1p-24 * loss.loss);  // the loss itself is rounded once
  CHECK(loss.rounding < 1e-4 * loss.loss);
  CHECK(loss.loss == Approx(train_whole_model(model, dataset, {}, 1, 1, 4, 1).losses[0]).epsilon(1e-14));
  CHECK(std::abs(other.loss - loss.loss) > loss.rounding);
}
