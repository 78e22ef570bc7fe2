#include <algorithm>
#include <cmath>
#include <numbers>

#include "tests/catch.hpp"
#include "tests/exec/kernel_case.hpp"

namespace tandem {

namespace {

using Case = KernelCase<float>;

const KernelRow<float>& fast(const Case& layer) { return find_kernels(fast_kernels(), layer.scene.kind); }

Case rotary(std::int64_t sequence, std::int64_t size, std::vector<Attributes::Value> scaling) {
  std::vector<Attributes::Value> attributes{{"heads", 1}, {"base", 10'000}};
  attributes.insert(attributes.end(), scaling.begin(), scaling.end());
  return Case({"rotary", std::move(attributes), {real_tensor({sequence, size})}, 1});
}

const std::vector<Attributes::Value> kUnscaled{
    {"factor", 1}, {"original_positions", 0}, {"low_frequency_factor", 1}, {"high_frequency_factor", 4}};

/// The angle by which the layer turns pair `pair` at position 1, from (1, 0) at its first value.
double angle(Case layer, std::size_t pair) {
  const auto size = static_cast<std::size_t>(layer.output_spec.columns());
  std::ranges::fill(layer.inputs[0], 0.0F);
  layer.inputs[0][size + pair] = 1;
  layer.run(fast(layer), Pass::forward);
  return std::atan2(static_cast<double>(layer.output[size + pair + size / 2]),
                    static_cast<double>(layer.output[size + pair]));
}

}  // namespace

TEST_CASE("an rms norm divides by the root of the mean square") {
  Case layer({"rms_norm", {{"epsilon", 0}}, {real_tensor({2})}, 1});
  layer.inputs[0].set({3, 4});
  layer.parameters[0].set({1, 10});

  layer.run(fast(layer), Pass::forward);

  CHECK(layer.output[0] == Approx(3 / std::sqrt(12.5)));   // (9 + 16) / 2 = 12.5
  CHECK(layer.output[1] == Approx(40 / std::sqrt(12.5)));
}

TEST_CASE("swiglu passes large gates, stops negative ones and halves at zero slope") {
  Case layer({"swiglu", {}, {real_tensor({3}), real_tensor({3})}, 1});
  layer.inputs[0].set({40, -40, 1});
  layer.inputs[1].set({2, 2, 2});

  layer.run(fast(layer), Pass::forward);

  CHECK(layer.output[0] == Approx(80));
  CHECK(layer.output[1] == Approx(0).margin(1e-12));
  CHECK(layer.output[2] == Approx(2 / (1 + std::exp(-1.0))));
}

TEST_CASE("the exact gelu is x times the normal distribution's share below x") {
  Case layer({"erf_gelu", {}, {real_tensor({4})}, 1});
  layer.inputs[0].set({0, 1, -1, 10});

  layer.run(fast(layer), Pass::forward);

  CHECK(layer.output[0] == 0);
  CHECK(layer.output[1] == Approx(0.8413447461));   // Phi(1)
  CHECK(layer.output[2] == Approx(-0.1586552539));  // 1 - Phi(1)
  CHECK(layer.output[3] == Approx(10));
}

TEST_CASE("rotary turns the pair (i, i + d/2) by position times base^(-2i/d)") {
  CHECK(angle(rotary(2, 4, kUnscaled), 0) == Approx(1));
  CHECK(angle(rotary(2, 4, kUnscaled), 1) == Approx(0.01));  // 10000^(-2/4)
}

TEST_CASE("rotary leaves the first position and every length as they are") {
  Case layer = rotary(3, 8, kUnscaled);

  layer.run(fast(layer), Pass::forward);

  for (std::size_t at = 0; at < 8; ++at) CHECK(layer.output[at] == layer.inputs[0][at]);
  for (std::size_t at = 8; at < 12; ++at) {
    CHECK(std::hypot(layer.output[at], layer.output[at + 4]) == Approx(std::hypot(layer.inputs[0][at], layer.inputs[0][at + 4])));
  }
}

TEST_CASE("Llama 3's scaling divides slow turns, keeps fast ones and blends between") {
  const double turn = 2 * std::numbers::pi;
  const auto scaled = [](double original) {
    return rotary(2, 4, {{"factor", 8}, {"original_positions", original}, {"low_frequency_factor", 1}, {"high_frequency_factor", 4}});
  };

  CHECK(angle(scaled(1000), 0) == Approx(1));           // 1000 / 2 pi = 159 turns: kept
  CHECK(angle(scaled(500), 1) == Approx(0.01 / 8));     // 500 * 0.01 / 2 pi = 0.8 turns: divided
  const double blend = (1000 * 0.01 / turn - 1) / 3;    // 1.59 turns of 1 to 4
  CHECK(angle(scaled(1000), 1) == Approx((1 - blend) * 0.01 / 8 + blend * 0.01));
}

TEST_CASE("a factor without original positions divides every frequency") {
  const std::vector<Attributes::Value> linear{
      {"factor", 2}, {"original_positions", 0}, {"low_frequency_factor", 1}, {"high_frequency_factor", 4}};

  CHECK(angle(rotary(2, 4, linear), 0) == Approx(0.5));
  CHECK(angle(rotary(2, 4, linear), 1) == Approx(0.005));
}

TEST_CASE("a grouped attention with as many key and value heads as heads is the fused one") {
  Case fused({"attention", {{"heads", 2}, {"causal", 1}}, {real_tensor({5, 24})}, 1});
  const auto part = real_tensor({5, 8});
  Case grouped({"grouped_attention", {{"heads", 2}, {"key_value_heads", 2}, {"causal", 1}}, {part, part, part}, 1});
  for (std::size_t row = 0; row < 5; ++row) {
    for (std::size_t i = 0; i < 3; ++i) std::copy_n(&fused.inputs[0][row * 24 + i * 8], 8, &grouped.inputs[i][row * 8]);
  }

  fused.run_all(fast(fused));
  grouped.run_all(fast(grouped));

  CHECK(distance(grouped.output, fused.output) < 1e-6);
  for (std::size_t at = 0; at < 40; ++at) {
    CHECK(grouped.input_gradients[1][at] == Approx(fused.input_gradients[0][at / 8 * 24 + 8 + at % 8]).margin(1e-6));
  }
}

TEST_CASE("an image becomes rows of pixels, a token comes first and is taken out again") {
  Case sequence({"image_to_sequence", {}, {real_tensor({2, 1, 3})}, 1});
  Case token({"class_token", {{"deviation", 0.02}}, {real_tensor({2, 2})}, 1});
  Case first({"first_position", {}, {real_tensor({2, 2})}, 1});
  sequence.inputs[0].set({1, 2, 3, 10, 20, 30});
  token.inputs[0].set({1, 2, 3, 4});
  token.parameters[0].set({8, 9});
  first.inputs[0].set({5, 6, 7, 8});

  for (auto* layer : {&sequence, &token, &first}) layer->run(fast(*layer), Pass::forward);

  const auto values = [](const Case& layer) { return std::vector<float>(layer.output.begin(), layer.output.end()); };
  CHECK(values(sequence) == std::vector<float>{1, 10, 2, 20, 3, 30});
  CHECK(values(token) == std::vector<float>{8, 9, 1, 2, 3, 4});
  CHECK(values(first) == std::vector<float>{5, 6});
}

}  // namespace tandem
