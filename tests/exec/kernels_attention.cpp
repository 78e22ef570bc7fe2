#include <algorithm>
#include <cmath>
#include <cstring>

#include "tests/catch.hpp"
#include "tests/exec/kernel_case.hpp"

namespace tandem {

namespace {

Scene attention(double causal) {
  return {"attention", {{"heads", 2}, {"causal", causal}}, {real_tensor({5, 12})}, 1};  // hidden 4
}

const KernelRow<float>& fast() { return find_kernels(fast_kernels(), "attention"); }

}  // namespace

TEST_CASE("causal attention does not see what comes later") {
  KernelCase<float> before(attention(1)), after(attention(1));
  for (std::size_t at = 3 * 12; at < after.inputs[0].size(); ++at) after.inputs[0][at] = 9;  // positions 3 and 4

  before.run(fast(), Pass::forward);
  after.run(fast(), Pass::forward);

  CHECK(std::memcmp(before.output.data(), after.output.data(), 3 * 4 * sizeof(float)) == 0);
  CHECK(std::memcmp(before.output.data(), after.output.data(), 4 * 4 * sizeof(float)) != 0);
}

TEST_CASE("causal attention keeps probabilities of exactly zero above the diagonal, and rows that sum to one") {
  KernelCase<float> layer(attention(1));

  layer.run(fast(), Pass::forward);

  for (std::size_t head = 0; head < 2; ++head) {
    for (std::size_t row = 0; row < 5; ++row) {
      const float* const probabilities = layer.extra[0].data() + (head * 5 + row) * 5;
      CHECK(std::all_of(probabilities + row + 1, probabilities + 5, [](float value) { return value == 0; }));
      double sum = 0;
      for (std::size_t at = 0; at <= row; ++at) sum += static_cast<double>(probabilities[at]);
      CHECK(sum == Approx(1));
    }
  }
}

TEST_CASE("no gradient flows from a position to those after it") {
  KernelCase<float> layer(attention(1));
  std::ranges::fill(layer.output_gradient, 0.0F);
  std::fill_n(layer.output_gradient.begin(), 2 * 4, 1.0F);  // positions 0 and 1

  layer.run_all(fast());

  const auto& dx = layer.input_gradients[0];
  CHECK(std::any_of(dx.begin(), dx.begin() + 2 * 12, [](float value) { return value != 0; }));
  CHECK(std::all_of(dx.begin() + 2 * 12, dx.end(), [](float value) { return value == 0; }));
}

TEST_CASE("attention over equal keys averages the values") {
  KernelCase<float> layer({"attention", {{"heads", 1}, {"causal", 0}}, {real_tensor({2, 6})}, 1});  // hidden 2
  layer.inputs[0].set({1, 2, 0, 0, 4, 8,  // query, key, value of position 0
                       3, 4, 0, 0, 6, 2});

  layer.run(fast(), Pass::forward);

  for (std::size_t row = 0; row < 2; ++row) {
    CHECK(layer.output[2 * row] == 5);      // (4 + 6) / 2
    CHECK(layer.output[2 * row + 1] == 5);  // (8 + 2) / 2
  }
}

TEST_CASE("attention scales scores by one over the root of the head's size") {
  KernelCase<float> layer({"attention", {{"heads", 1}, {"causal", 0}}, {real_tensor({2, 12})}, 1});  // head size 4
  std::ranges::fill(layer.inputs[0], 0.0F);
  layer.inputs[0][0] = 2;       // query 0 = (2, 0, 0, 0)
  layer.inputs[0][4] = 1;       // key 0 = (1, 0, 0, 0); key 1 = 0

  layer.run(fast(), Pass::forward);

  const double e = std::exp(1.0);  // score 2 * 1 / sqrt(4) = 1, against 0
  CHECK(layer.extra[0][0] == Approx(e / (e + 1)));
  CHECK(layer.extra[0][1] == Approx(1 / (e + 1)));
}

TEST_CASE("attention survives scores that overflow an exponential") {
  KernelCase<float> layer(attention(1));
  for (auto& value : layer.inputs[0]) value *= 100;  // scores up to about 1e4

  layer.run_all(fast());

  CHECK(std::ranges::all_of(layer.output, [](float value) { return std::isfinite(value); }));
  CHECK(std::ranges::all_of(layer.input_gradients[0], [](float value) { return std::isfinite(value); }));
}

}  // namespace tandem
