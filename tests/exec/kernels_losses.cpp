#include <algorithm>
#include <cmath>

#include "base/error.hpp"
#include "tests/catch.hpp"
#include "tests/exec/kernel_case.hpp"

namespace tandem {

namespace {

const KernelRow<float>& fast(const KernelCase<float>& layer) { return find_kernels(fast_kernels(), layer.scene.kind); }

Scene cross_entropy(std::int64_t rows, std::int64_t vocabulary) {
  return {"softmax_cross_entropy", {}, {real_tensor({rows, vocabulary}), token_tensor({rows})}, 1};
}

Scene distance_loss(std::string kind) { return {std::move(kind), {}, {real_tensor({4}), real_tensor({4})}, 1}; }

void set_differences(KernelCase<float>& layer) {
  layer.inputs[0].set({1.0F, 5.0F, 0.0F, 7.0F});
  layer.inputs[1].set({1.0F, 3.0F, 1.0F, 4.0F});  // differences 0, 2, -1, 3
  layer.seed_of_loss = 0.5F;
}

}  // namespace

TEST_CASE("the cross entropy of equal scores is the logarithm of the vocabulary") {
  KernelCase<float> layer(cross_entropy(3, 8));
  std::ranges::fill(layer.inputs[0], 7.0F);
  std::ranges::fill(layer.tokens[1], 2);
  layer.seed_of_loss = 0.25F;

  layer.run_all(fast(layer));

  CHECK(layer.output[0] == Approx(std::log(8.0)));
  CHECK(layer.extra[0][0] == Approx(1.0 / 8));
  CHECK(layer.input_gradients[0][0] == Approx(0.25 / 3 / 8));         // seed / rows * p
  CHECK(layer.input_gradients[0][2] == Approx(0.25 / 3 * (1.0 / 8 - 1)));
}

TEST_CASE("the cross entropy of huge scores is finite and exact") {
  KernelCase<float> layer(cross_entropy(2, 3));
  layer.inputs[0].set({1e4F, 0.0F, -1e4F, -3e4F, -3e4F, -3e4F});
  layer.tokens[1].set({1, 0});

  layer.run_all(fast(layer));

  CHECK(layer.output[0] == Approx((1e4 + std::log(3.0)) / 2));
  CHECK(layer.extra[0][0] == 1);
  CHECK(layer.extra[0][1] == Approx(0).margin(1e-30));
  CHECK(layer.extra[0][3] == Approx(1.0 / 3));
}

TEST_CASE("the gradient of the cross entropy sums to zero over each row") {
  KernelCase<float> layer(cross_entropy(4, 37));

  layer.run_all(fast(layer));

  for (std::size_t row = 0; row < 4; ++row) {
    double sum = 0;
    for (std::size_t at = 0; at < 37; ++at) sum += static_cast<double>(layer.input_gradients[0][row * 37 + at]);
    CHECK(sum == Approx(0).margin(1e-7));
  }
}

TEST_CASE("a target outside the vocabulary is refused before memory is touched") {
  KernelCase<float> layer(cross_entropy(2, 3));
  layer.tokens[1][1] = 3;

  CHECK_THROWS_AS(layer.run(fast(layer), Pass::forward), InvariantError);
}

TEST_CASE("mean_squared_error is the mean of squares, and its gradient points at the target") {
  KernelCase<float> layer(distance_loss("mean_squared_error"));
  set_differences(layer);

  layer.run_all(fast(layer));

  CHECK(layer.output[0] == 3.5F);  // (0 + 4 + 1 + 9) / 4
  const auto& gradient = layer.input_gradients[0];
  CHECK(std::vector<float>(gradient.begin(), gradient.end()) ==
        std::vector<float>{0, 0.5F, -0.25F, 0.75F});  // 2 d / 4 / 2
}

TEST_CASE("mean_absolute_error is the mean of distances, and its gradient is zero where they are") {
  KernelCase<float> layer(distance_loss("mean_absolute_error"));
  set_differences(layer);

  layer.run_all(fast(layer));

  CHECK(layer.output[0] == 1.5F);  // (0 + 2 + 1 + 3) / 4
  const auto& gradient = layer.input_gradients[0];
  CHECK(std::vector<float>(gradient.begin(), gradient.end()) ==
        std::vector<float>{0, 0.125F, -0.125F, 0.125F});  // sign / 4 / 2
}

TEST_CASE("losses are summed in double") {
  constexpr std::int64_t kCount = 1 << 20;
  KernelCase<float> layer({"mean_absolute_error", {}, {real_tensor({kCount}), real_tensor({kCount})}, 1});
  std::ranges::fill(layer.inputs[0], 0.1F);
  std::ranges::fill(layer.inputs[1], 0.0F);

  layer.run(fast(layer), Pass::forward);

  CHECK(layer.output[0] == 0.1F);  // a sum in float stalls near 2^20 * 0.1 and is off by percents
}

}  // namespace tandem
