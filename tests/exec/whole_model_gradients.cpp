#include <algorithm>
#include <cmath>

#include "exec/model_walk.hpp"
#include "exec/whole_model.hpp"
#include "tests/catch.hpp"
#include "tests/exec/tiny_models.hpp"

namespace tandem {

namespace {

constexpr double kStep = 1e-5;

double slope(ModelWalk& walk, double& weight) {
  const double before = weight;
  weight = before + kStep;
  const double above = walk.forward();
  weight = before - kStep;
  const double below = walk.forward();
  weight = before;
  return (above - below) / (2 * kStep);
}

/// Over at most 25 values of each parameter.
double worst_error(ModelWalk& walk) {
  double worst = 0;
  for (std::size_t id = 0; id < walk.weights.size(); ++id) {
    const auto stride = std::max<std::size_t>(1, walk.weights[id].size() / 25);
    for (std::size_t at = 0; at < walk.weights[id].size(); at += stride) {
      worst = std::max(worst, std::abs(walk.gradients[id][at] - slope(walk, walk.weights[id][at])));
    }
  }
  return worst;
}

template <class Tensors>
double largest(const Tensors& tensors) {
  double result = 0;
  for (const auto& tensor : tensors) {
    for (const double value : tensor) result = std::max(result, std::abs(value));
  }
  return result;
}

double largest_difference(std::vector<std::vector<double>> a, const std::vector<std::vector<double>>& b) {
  for (std::size_t i = 0; i < a.size(); ++i) {
    for (std::size_t at = 0; at < a[i].size(); ++at) a[i][at] -= b[i][at];
  }
  return largest(a);
}

void check_slopes(const Model& model, const Dataset& dataset) {
  ModelWalk walk(model, 2);
  walk.start_weights(7);
  walk.zero_gradients();
  walk.load(dataset, 0, 0);

  walk.forward();
  walk.backward(1);

  CHECK(largest(walk.gradients) > 0.01);
  CHECK(worst_error(walk) < 1e-8);
}

}  // namespace

TEST_CASE("the gradient of a whole transformer is the slope of its loss") {
  const auto model = tiny_gpt();
  check_slopes(model, Dataset(model, kTinyText, 1));
}

TEST_CASE("the gradient of a whole perceptron is the slope of its loss") {
  const auto model = tiny_mlp();
  check_slopes(model, Dataset(model, "", 1));
}

TEST_CASE("a tensor that two layers read gets the sum of their gradients") {
  // loss = mean((2 a - t)^2) with a = w x + b, added to itself
  const Model model("twice", {defined("x", "values", {}, {{"features", 1}}),
                              defined("t", "target_values", {}, {{"features", 1}}),
                              defined("a", "linear", {"x"}, {{"features", 1}}),
                              defined("sum", "residual_add", {"a", "a"}),
                              defined("loss", "mean_squared_error", {"sum", "t"})});
  check_slopes(model, Dataset(model, "", 1));
}

TEST_CASE("several micro-batches give the gradient of one large batch") {
  const auto model = tiny_gpt();
  const Dataset dataset(model, kTinyText, 1);
  const Optimizer sgd{.kind = OptimizerKind::sgd, .learning_rate = 0.1};

  const auto whole = train_whole_model(model, dataset, sgd, 1, 1, 12, 5);

  for (const std::int64_t micro_batches : {2, 3, 4, 6, 12}) {
    const auto split = train_whole_model(model, dataset, sgd, 1, micro_batches, 12 / micro_batches, 5);
    CHECK(std::abs(split.losses[0] - whole.losses[0]) < 1e-12);
    CHECK(largest_difference(split.gradients, whole.gradients) < 1e-12 * largest(whole.gradients));
    CHECK(largest_difference(split.weights, whole.weights) < 1e-12 * largest(whole.weights));
  }
}

}  // namespace tandem
