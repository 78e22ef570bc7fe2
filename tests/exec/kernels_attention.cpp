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

TEST_CASE("attention that drops probabilities multiplies the values by those that are left, scaled up") {
  // Queries of zero: each position gives a quarter to each of four; values are the identity, so the output shows them.
  KernelCase<float> layer({"attention", {{"heads", 1}, {"causal", 0}, {"dropout", 0.5}}, {real_tensor({4, 12})}, 64});
  std::ranges::fill(layer.inputs[0], 0.0F);
  for (std::size_t sample = 0; sample < 64; ++sample)
    for (std::size_t at = 0; at < 4; ++at) layer.inputs[0][(sample * 4 + at) * 12 + 8 + at] = 1;

  layer.run(fast(), Pass::forward);

  const auto kept = std::ranges::count(layer.output, 0.5F), dropped = std::ranges::count(layer.output, 0.0F);
  CHECK(kept + dropped == 64 * 16);                   // 1/4 / (1 - 1/2), or 0
  CHECK(std::abs(dropped - 512) < 5 * 16);            // five deviations of 1,024 fair coins
  CHECK(std::ranges::all_of(layer.extra[0], [](float value) { return value == 0.25F; }));  // those before dropout
}

TEST_CASE("stored masks give attention the bits of those that are made again") {
  const auto dropping = [](double stores_mask) {
    Scene scene = attention(1);
    scene.batch = 3;
    scene.attributes.push_back({"dropout", 0.3});
    scene.attributes.push_back({"stores_mask", stores_mask});
    return KernelCase<float>(scene);
  };
  KernelCase<float> again = dropping(0), stored = dropping(1);

  again.run_all(fast());
  stored.run_all(fast());

  CHECK(again.extra.size() == 1);
  CHECK(stored.extra.size() == 3);
  CHECK(std::ranges::equal(again.output, stored.output));
  CHECK(std::ranges::equal(again.input_gradients[0], stored.input_gradients[0]));
}

TEST_CASE("a rank's heads have the masks of the whole attention's heads, and a sample its own in any micro-batch") {
  // Equal keys, so that the output tells of the mask alone; every head sees the same values.
  const auto outputs_of = [](double heads, std::int64_t batch, std::int64_t first_head, std::int64_t first_sample) {
    const auto hidden = static_cast<std::int64_t>(heads) * 2;
    KernelCase<float> layer(
        {"attention", {{"heads", heads}, {"causal", 1}, {"dropout", 0.5}}, {real_tensor({5, 3 * hidden})}, batch});
    std::ranges::fill(layer.inputs[0], 1.0F);
    layer.origins = Origins{.inputs = {}, .parameters = {}, .output = {0, 2 * first_head}, .whole_output = {5, 8}};
    layer.first_sample = first_sample;
    layer.run(fast(), Pass::forward);
    return std::vector<float>(layer.output.begin(), layer.output.end());
  };

  const auto whole = outputs_of(4, 2, 0, 0), part = outputs_of(2, 1, 2, 1);  // heads 2 and 3 of sample 1

  for (std::size_t row = 0; row < 5; ++row)
    for (std::size_t column = 0; column < 4; ++column)
      CHECK(part[row * 4 + column] == whole[(5 + row) * 8 + 4 + column]);
  CHECK(std::vector(whole.begin(), whole.begin() + 40) != std::vector(whole.begin() + 40, whole.end()));
}

}  // namespace tandem
