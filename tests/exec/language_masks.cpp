#include <algorithm>
#include <cmath>

#include "tests/catch.hpp"
#include "tests/exec/kernel_case.hpp"

namespace tandem {

namespace {

using Case = KernelCase<float>;

Scene dropout(std::int64_t batch, std::vector<std::int64_t> dims, double probability = 0.5) {
  return {"dropout", {{"probability", probability}, {"stores_mask", 0}}, {real_tensor(std::move(dims))}, batch};
}

/// Which of the values of the layer are kept.
std::vector<bool> mask_of(Case layer) {
  std::ranges::fill(layer.inputs[0], 1.0F);
  layer.run(find_kernels(fast_kernels(), "dropout"), Pass::forward);
  std::vector<bool> kept;
  for (const float value : layer.output) kept.push_back(value != 0);
  return kept;
}

Case placed(Case layer, std::vector<std::int64_t> first, std::vector<std::int64_t> whole) {
  layer.origins = Origins{.inputs = {}, .parameters = {}, .output = std::move(first), .whole_output = std::move(whole)};
  return layer;
}

}  // namespace

TEST_CASE("dropout drops the share that it is told to and keeps the mean") {
  Case layer(dropout(4, {64, 64}, 0.25));
  std::ranges::fill(layer.inputs[0], 3.0F);

  layer.run(find_kernels(fast_kernels(), "dropout"), Pass::forward);

  const auto dropped = std::ranges::count(layer.output, 0.0F);
  CHECK(std::abs(static_cast<double>(dropped) / 16384 - 0.25) < 5 * std::sqrt(0.25 * 0.75 / 16384));  // five deviations
  CHECK(*std::ranges::max_element(layer.output) == 4.0F);                                             // 3 / (1 - 1/4)
}

TEST_CASE("dropout with probability 0 is the identity") {
  Case layer(dropout(2, {5, 7}, 0));

  layer.run(find_kernels(fast_kernels(), "dropout"), Pass::forward);

  CHECK(std::ranges::equal(layer.output, layer.inputs[0]));
}

TEST_CASE("backward of dropout has the mask of forward") {
  Case layer(dropout(3, {5, 7}));
  std::ranges::fill(layer.output_gradient, 1.0F);

  layer.run_all(find_kernels(fast_kernels(), "dropout"));

  for (std::size_t at = 0; at < layer.output.size(); ++at) {
    CHECK(layer.output[at] == layer.inputs[0][at] * layer.input_gradients[0][at]);
  }
}

TEST_CASE("every part of a tensor has the part of the whole tensor's mask") {
  const auto whole = mask_of(Case(dropout(1, {6, 7})));

  const auto rows = mask_of(placed(Case(dropout(1, {2, 7})), {3, 0}, {6, 7}));
  const auto columns = mask_of(placed(Case(dropout(1, {6, 3})), {0, 2}, {6, 7}));

  for (std::size_t at = 0; at < rows.size(); ++at) CHECK(rows[at] == whole[3 * 7 + at]);
  for (std::size_t at = 0; at < columns.size(); ++at) CHECK(columns[at] == whole[at / 3 * 7 + 2 + at % 3]);
}

TEST_CASE("every split of a tensor of three dimensions has the whole tensor's mask") {
  const auto whole = mask_of(Case(dropout(1, {4, 5, 6})));

  const auto part = mask_of(placed(Case(dropout(1, {2, 3, 2})), {1, 2, 3}, {4, 5, 6}));

  for (std::size_t at = 0; at < part.size(); ++at) {
    const auto channel = 1 + at / 6, row = 2 + at / 2 % 3, column = 3 + at % 2;
    CHECK(part[at] == whole[(channel * 5 + row) * 6 + column]);
  }
}

TEST_CASE("a sample has its mask in whatever micro-batch it comes") {
  const auto together = mask_of(Case(dropout(4, {5, 7})));
  Case later(dropout(2, {5, 7}));
  later.first_sample = 2;

  const auto apart = mask_of(std::move(later));

  for (std::size_t at = 0; at < apart.size(); ++at) CHECK(apart[at] == together[70 + at]);
}

TEST_CASE("samples, iterations and layers have masks of their own") {
  const auto first = mask_of(Case(dropout(1, {8, 8})));
  Case next_sample(dropout(1, {8, 8})), next_iteration(dropout(1, {8, 8})), other_layer(dropout(1, {8, 8}));
  next_sample.first_sample = 1;
  next_iteration.iteration = 1;
  other_layer.layer_key = 99;

  CHECK(mask_of(std::move(next_sample)) != first);
  CHECK(mask_of(std::move(next_iteration)) != first);
  CHECK(mask_of(std::move(other_layer)) != first);
}

}  // namespace tandem
