#include <vector>

#include "base/error.hpp"
#include "tests/catch.hpp"
#include "tests/exec/kernel_case.hpp"

namespace tandem {

namespace {

std::vector<float> values_of(const Tensor<float>& tensor) { return {tensor.begin(), tensor.end()}; }

const KernelRow<float>& fast(const KernelCase<float>& layer) { return find_kernels(fast_kernels(), layer.scene.kind); }

}  // namespace

TEST_CASE("linear multiplies by the transposed weight and adds the bias") {
  KernelCase<float> layer({"linear", {{"features", 2}, {"bias", 1}, {"deviation", 1}}, {real_tensor({3})}, 1});
  layer.inputs[0].set({1, 2, 3});
  layer.parameters[0].set({1, 0, 0,  //
                            1, 1, 1});
  layer.parameters[1].set({10, 20});
  layer.output_gradient.set({1, 2});

  layer.run_all(fast(layer));

  CHECK(values_of(layer.output) == std::vector<float>{11, 26});             // 1 + 10; 1 + 2 + 3 + 20
  CHECK(values_of(layer.input_gradients[0]) == std::vector<float>{3, 2, 2});  // column sums weighted by (1, 2)
  CHECK(values_of(layer.parameter_gradients[0]) == std::vector<float>{1, 2, 3, 2, 4, 6});
  CHECK(values_of(layer.parameter_gradients[1]) == std::vector<float>{1, 2});
}

TEST_CASE("relu stops the gradient where its output is zero") {
  KernelCase<float> layer({"relu", {}, {real_tensor({3})}, 1});
  layer.inputs[0].set({-1, 0, 2});
  layer.output_gradient.set({5, 6, 7});

  layer.run_all(fast(layer));

  CHECK(values_of(layer.output) == std::vector<float>{0, 0, 2});
  CHECK(values_of(layer.input_gradients[0]) == std::vector<float>{0, 0, 7});
}

TEST_CASE("gelu is zero at zero, with a slope of one half, and the identity far to the right") {
  KernelCase<float> layer({"gelu", {}, {real_tensor({3})}, 1});
  layer.inputs[0].set({0, 20, -20});
  layer.output_gradient.set({1, 1, 1});

  layer.run_all(fast(layer));

  CHECK(values_of(layer.output) == std::vector<float>{0, 20, 0});
  CHECK(layer.input_gradients[0][0] == 0.5F);
  CHECK(layer.input_gradients[0][1] == Approx(1));
  CHECK(layer.input_gradients[0][2] == Approx(0).margin(1e-6));
}

TEST_CASE("layer_norm keeps mean and reciprocal deviation of each row") {
  KernelCase<float> layer({"layer_norm", {{"epsilon", 0}}, {real_tensor({4})}, 2});
  layer.inputs[0].set({1, 3, 1, 3, 10, 10, 30, 30});
  layer.parameters[0].set({1, 1, 1, 2});
  layer.parameters[1].set({0, 0, 5, 0});

  layer.run(fast(layer), Pass::forward);

  CHECK(values_of(layer.extra[0]) == std::vector<float>{2, 1, 20, 0.1F});  // variances 1 and 100
  CHECK(values_of(layer.output) == std::vector<float>{-1, 1, 4, 2, -1, -1, 6, 2});
}

TEST_CASE("token_embedding sums the gradients of a token that occurs twice") {
  KernelCase<float> layer(
      {"token_embedding", {{"vocabulary", 3}, {"hidden", 2}, {"deviation", 1}}, {token_tensor({3})}, 1});
  layer.tokens[0].set({2, 0, 2});
  layer.parameters[0].set({1, 2, 3, 4, 5, 6});
  layer.output_gradient.set({1, 1, 10, 10, 100, 100});

  layer.run_all(fast(layer));

  CHECK(values_of(layer.output) == std::vector<float>{5, 6, 1, 2, 5, 6});
  CHECK(values_of(layer.parameter_gradients[0]) == std::vector<float>{10, 10, 0, 0, 101, 101});
}

TEST_CASE("a token outside the vocabulary is refused before memory is touched") {
  for (const std::int32_t token : {-1, 11}) {
    KernelCase<float> layer(scene_of("token_embedding"));  // vocabulary 11
    layer.tokens[0][3] = token;

    CHECK_THROWS_AS(layer.run(fast(layer), Pass::forward), InvariantError);
    CHECK_THROWS_AS(layer.run(fast(layer), Pass::weight_gradient), InvariantError);
  }
}

TEST_CASE("position_embedding sums its gradient over the samples") {
  KernelCase<float> layer({"position_embedding", {{"deviation", 1}}, {real_tensor({2, 1})}, 3});
  layer.inputs[0].set({0, 0, 1, 1, 2, 2});
  layer.parameters[0].set({10, 20});
  layer.output_gradient.set({1, 2, 3, 4, 5, 6});

  layer.run_all(fast(layer));

  CHECK(values_of(layer.output) == std::vector<float>{10, 20, 11, 21, 12, 22});
  CHECK(values_of(layer.input_gradients[0]) == std::vector<float>{1, 2, 3, 4, 5, 6});
  CHECK(values_of(layer.parameter_gradients[0]) == std::vector<float>{9, 12});  // 1 + 3 + 5; 2 + 4 + 6
}

TEST_CASE("residual_add hands its gradient to both inputs") {
  KernelCase<float> layer({"residual_add", {}, {real_tensor({2}), real_tensor({2})}, 1});
  layer.inputs[0].set({1, 2});
  layer.inputs[1].set({10, 20});
  layer.output_gradient.set({3, 4});

  layer.run_all(fast(layer));

  CHECK(values_of(layer.output) == std::vector<float>{11, 22});
  CHECK(values_of(layer.input_gradients[0]) == std::vector<float>{3, 4});
  CHECK(values_of(layer.input_gradients[1]) == std::vector<float>{3, 4});
}

}  // namespace tandem
