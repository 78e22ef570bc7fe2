#include <cmath>
#include <cstring>
#include <vector>

#include "base/random.hpp"
#include "exec/optimizer_step.hpp"
#include "tests/catch.hpp"

namespace tandem {

namespace {

Optimizer sgd(double rate) { return {.kind = OptimizerKind::sgd, .learning_rate = rate}; }
Optimizer adam(double rate) { return {.kind = OptimizerKind::adam, .learning_rate = rate}; }

template <class Real>
struct Training {
  explicit Training(std::int64_t count) : count_(count) {
    for (std::int64_t at = 0; at < count; ++at)
      weights.push_back(static_cast<Real>(normal_at(1, 0, static_cast<std::uint64_t>(at))));
    first.resize(weights.size());
    second.resize(weights.size());
  }

  /// Updates in pieces of `piece` values, each with its own state, as workers that share a parameter would.
  void run(const Optimizer& optimizer, std::int64_t iterations, std::int64_t piece) {
    for (std::int64_t iteration = 1; iteration <= iterations; ++iteration) {
      for (std::int64_t at = 0; at < count_; at += piece)
        update(optimizer, iteration, at, std::min(piece, count_ - at));
    }
  }

  std::vector<Real> weights, first, second;

 private:
  void update(const Optimizer& optimizer, std::int64_t iteration, std::int64_t at, std::int64_t count) {
    std::vector<Real> gradient, state(first.begin() + at, first.begin() + at + count);
    state.insert(state.end(), second.begin() + at, second.begin() + at + count);
    for (std::int64_t i = at; i < at + count; ++i) {
      gradient.push_back(
          static_cast<Real>(normal_at(2, static_cast<std::uint64_t>(iteration), static_cast<std::uint64_t>(i))));
    }
    update_weights(optimizer, iteration, count, gradient.data(), weights.data() + at, state.data());
    std::copy_n(state.begin(), count, first.begin() + at);
    std::copy_n(state.begin() + count, count, second.begin() + at);
  }

  std::int64_t count_;
};

template <class Real>
std::vector<Real> trained(const Optimizer& optimizer, std::int64_t piece) {
  Training<Real> training(103);
  training.run(optimizer, 5, piece);
  return training.weights;
}

}  // namespace

TEST_CASE("SGD moves against the gradient and needs no state") {
  const float gradient[] = {2, -4};
  float weight[] = {1, 1};

  update_weights<float>(sgd(0.25), 1, 2, gradient, weight, nullptr);

  CHECK(weight[0] == 0.5F);
  CHECK(weight[1] == 2.0F);
}

TEST_CASE("two steps of Adam, worked by hand") {
  const auto optimizer = adam(0.1);
  double weight = 1, state[2] = {0, 0}, gradient = 0.5;

  update_weights(optimizer, 1, 1, &gradient, &weight, state);

  CHECK(state[0] == Approx(0.05));     // 0.1 * 0.5
  CHECK(state[1] == Approx(0.00025));  // 0.001 * 0.25
  CHECK(weight == Approx(0.9).epsilon(1e-7));  // 1 - 0.1 * (0.05 / 0.1) / (sqrt(0.00025 / 0.001) + 1e-8)

  gradient = -0.5;
  update_weights(optimizer, 2, 1, &gradient, &weight, state);

  CHECK(state[0] == Approx(-0.005));      // 0.9 * 0.05 - 0.1 * 0.5
  CHECK(state[1] == Approx(0.00049975));  // 0.999 * 0.00025 + 0.001 * 0.25
  // first / (1 - 0.81) = -0.005 / 0.19; second / (1 - 0.998001) = 0.25; so 0.9 + 0.1 * (0.005 / 0.19) / 0.5
  CHECK(weight == Approx(0.9 + 0.001 / 0.19).epsilon(1e-7));
}

TEST_CASE("Adam's first step is the learning rate, whatever the gradient's size") {
  for (const float size : {1e-3F, 1.0F, 1e4F}) {
    const float gradient[] = {size, -size};
    float weight[] = {0, 0}, state[4] = {};

    update_weights(adam(0.01), 1, 2, gradient, weight, state);

    CHECK(weight[0] == Approx(-0.01).epsilon(1e-4));
    CHECK(weight[1] == Approx(0.01).epsilon(1e-4));
  }
}

TEST_CASE("a gradient of zero leaves a fresh weight as it is") {
  const float gradient = 0;
  float weight = 3, state[2] = {};

  update_weights(adam(0.1), 1, 1, &gradient, &weight, state);

  CHECK(weight == 3);
}

TEST_CASE("an update gives the same bits however the range is cut") {
  for (const auto& optimizer : {sgd(0.1), adam(0.01)}) {
    const auto whole = trained<float>(optimizer, 103);
    const auto whole_double = trained<double>(optimizer, 103);
    for (const std::int64_t piece : {1, 3, 8, 50}) {
      INFO("pieces of " << piece);
      CHECK(std::memcmp(trained<float>(optimizer, piece).data(), whole.data(), whole.size() * sizeof(float)) == 0);
      CHECK(std::memcmp(trained<double>(optimizer, piece).data(), whole_double.data(), whole.size() * sizeof(double)) ==
            0);
    }
  }
}

TEST_CASE("float and double updates agree to the precision of float") {
  const auto narrow = trained<float>(adam(0.01), 103);
  const auto wide = trained<double>(adam(0.01), 103);

  for (std::size_t at = 0; at < narrow.size(); ++at) {
    CHECK(std::abs(static_cast<double>(narrow[at]) - wide[at]) < 1e-6);
  }
}

}  // namespace tandem
