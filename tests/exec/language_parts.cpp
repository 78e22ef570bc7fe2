// Ranks' parts of a layer, computed one by one: joined or summed they are the whole layer.

#include <algorithm>
#include <cmath>

#include "base/error.hpp"
#include "tests/catch.hpp"
#include "tests/exec/kernel_case.hpp"

namespace tandem {

namespace {

using Case = KernelCase<double>;

const KernelRow<double>& reference(const Case& layer) {
  return find_kernels(reference_kernels<double>(), layer.scene.kind);
}

using Places = std::vector<std::int64_t>;

Origins begin_at(std::vector<Places> inputs, std::vector<Places> parameters, Places output = {}, Places whole = {}) {
  return {std::move(inputs), std::move(parameters), std::move(output), std::move(whole)};
}

/// The block [first_row, +rows) x [first_column, +columns) of a matrix of `stride` columns.
struct Block {
  std::int64_t first_row, rows, first_column, columns, stride;
};

template <class Value>
void copy_block(const Tensor<Value>& whole, const Block& block, Tensor<Value>& part) {
  REQUIRE(static_cast<std::int64_t>(part.size()) == block.rows * block.columns);
  for (std::int64_t row = 0; row < block.rows; ++row) {
    std::copy_n(whole.begin() + (block.first_row + row) * block.stride + block.first_column, block.columns,
                part.begin() + row * block.columns);
  }
}

double farthest(const Tensor<double>& part, const Tensor<double>& whole, const Block& block) {
  double apart = 0;
  for (std::int64_t at = 0; at < static_cast<std::int64_t>(part.size()); ++at) {
    const auto row = block.first_row + at / block.columns, column = block.first_column + at % block.columns;
    const auto place = static_cast<std::size_t>(row * block.stride + column);
    const double difference = part[static_cast<std::size_t>(at)] - whole[place];
    apart = std::max(apart, std::isnan(difference) ? 1e9 : std::abs(difference));
  }
  return apart;
}

void add(const Tensor<double>& summand, Tensor<double>& sum) {
  for (std::size_t at = 0; at < sum.size(); ++at) sum[at] += summand[at];
}

Scene linear(std::int64_t columns, double features) {
  return {"linear", {{"features", features}, {"bias", 1}, {"deviation", 0.02}}, {real_tensor({3, columns})}, 2};
}

Scene embedding(double vocabulary) {
  return {"token_embedding", {{"vocabulary", vocabulary}, {"hidden", 3}, {"deviation", 0.02}}, {token_tensor({6})}, 1};
}

constexpr double kRounding = 1e-12;

}  // namespace

TEST_CASE("the rows of a linear layer sum to the whole, with the bias once") {
  Case whole(linear(10, 4)), first(linear(6, 4)), second(linear(4, 4));  // 6 rows of 10 = 6 + 4 columns
  const Block left{0, 6, 0, 6, 10}, right{0, 6, 6, 4, 10};
  for (auto* part : {&first, &second}) {
    const bool is_first = part == &first;
    copy_block(whole.inputs[0], is_first ? left : right, part->inputs[0]);
    copy_block(whole.parameters[0], {0, 4, is_first ? 0 : 6, is_first ? 6 : 4, 10}, part->parameters[0]);
    std::ranges::copy(whole.parameters[1], part->parameters[1].begin());
    std::ranges::copy(whole.output_gradient, part->output_gradient.begin());
    part->origins = begin_at({{0, is_first ? 0 : 6}}, {{0, is_first ? 0 : 6}, {}});
    part->run_all(reference(*part));
  }
  whole.run_all(reference(whole));

  add(second.output, first.output);

  CHECK(distance(first.output, whole.output) < kRounding);
  CHECK(farthest(first.input_gradients[0], whole.input_gradients[0], left) < kRounding);
  CHECK(farthest(second.input_gradients[0], whole.input_gradients[0], right) < kRounding);
  CHECK(farthest(second.parameter_gradients[0], whole.parameter_gradients[0], {0, 4, 6, 4, 10}) < kRounding);
  CHECK(distance(first.parameter_gradients[1], whole.parameter_gradients[1]) < kRounding);
  CHECK(distance(second.parameter_gradients[1], whole.parameter_gradients[1]) < kRounding);
}

TEST_CASE("the fast linear layer adds the bias on the rank with the first columns only") {
  KernelCase<float> layer({"linear", {{"features", 1}, {"bias", 1}, {"deviation", 0.02}}, {real_tensor({1})}, 1});
  layer.inputs[0].set({3});
  layer.parameters[0].set({10});
  layer.parameters[1].set({5});
  const auto output_from = [&](std::int64_t column) {
    layer.origins = begin_at({}, {{0, column}, {}});
    layer.run(find_kernels(fast_kernels(), "linear"), Pass::forward);
    return layer.output[0];
  };

  CHECK(output_from(0) == 35);  // 3 * 10 + 5
  CHECK(output_from(4) == 30);
}

TEST_CASE("the columns of a linear layer join to the whole, whose input gradient they sum to") {
  Case whole(linear(5, 7)), first(linear(5, 4)), second(linear(5, 3));
  for (auto* part : {&first, &second}) {
    const std::int64_t begin = part == &first ? 0 : 4, count = part == &first ? 4 : 3;
    std::ranges::copy(whole.inputs[0], part->inputs[0].begin());
    copy_block(whole.parameters[0], {begin, count, 0, 5, 5}, part->parameters[0]);
    copy_block(whole.parameters[1], {0, 1, begin, count, 7}, part->parameters[1]);
    copy_block(whole.output_gradient, {0, 6, begin, count, 7}, part->output_gradient);
    part->origins = begin_at({}, {{begin, 0}, {begin}}, {0, begin});
    part->run_all(reference(*part));
  }
  whole.run_all(reference(whole));

  add(second.input_gradients[0], first.input_gradients[0]);

  CHECK(farthest(first.output, whole.output, {0, 6, 0, 4, 7}) < kRounding);
  CHECK(farthest(second.output, whole.output, {0, 6, 4, 3, 7}) < kRounding);
  CHECK(distance(first.input_gradients[0], whole.input_gradients[0]) < kRounding);
  CHECK(farthest(second.parameter_gradients[1], whole.parameter_gradients[1], {0, 1, 4, 3, 7}) < kRounding);
}

TEST_CASE("a rank writes zeros for tokens whose rows others hold, so the parts sum to the whole") {
  KernelCase<float> whole(embedding(9)), first(embedding(5)), second(embedding(4));
  whole.tokens[0].set({0, 4, 5, 8, 4, 6});
  const auto& row = find_kernels(fast_kernels(), "token_embedding");
  for (auto* part : {&first, &second}) {
    const std::int64_t begin = part == &first ? 0 : 5, count = part == &first ? 5 : 4;
    std::ranges::copy(whole.tokens[0], part->tokens[0].begin());
    copy_block(whole.parameters[0], {begin, count, 0, 3, 3}, part->parameters[0]);
    std::ranges::copy(whole.output_gradient, part->output_gradient.begin());
    part->origins = begin_at({}, {{begin, 0}});
    part->run_all(row);
  }
  whole.run_all(row);

  CHECK(second.output[0] == 0);  // token 0 is the first rank's
  CHECK(first.output[6] == 0);   // token 5 is the second's
  for (std::size_t at = 0; at < whole.output.size(); ++at) {
    CHECK(first.output[at] + second.output[at] == whole.output[at]);
  }
  for (std::size_t at = 0; at < 15; ++at) CHECK(first.parameter_gradients[0][at] == whole.parameter_gradients[0][at]);
  for (std::size_t at = 0; at < 12; ++at) {
    CHECK(second.parameter_gradients[0][at] == whole.parameter_gradients[0][15 + at]);
  }
}

TEST_CASE("a token beyond the whole vocabulary is refused, a foreign one is not") {
  KernelCase<float> layer(embedding(5));
  layer.tokens[0].set({0, 1, 2, 3, 4, 5});
  const auto& row = find_kernels(fast_kernels(), "token_embedding");

  CHECK_THROWS_AS(layer.run(row, Pass::forward), InvariantError);

  layer.origins = begin_at({}, {{0, 0}});
  layer.run(row, Pass::forward);
  CHECK(layer.output[15] == 0);

  layer.tokens[0][5] = -1;
  CHECK_THROWS_AS(layer.run(row, Pass::forward), InvariantError);
}

TEST_CASE("the heads of a grouped attention are independent of each other, key and value heads along") {
  const auto scene = [](double heads, double shared) -> Scene {
    const auto key = real_tensor({5, static_cast<std::int64_t>(shared) * 3});
    return {"grouped_attention",
            {{"heads", heads}, {"key_value_heads", shared}, {"causal", 1}},
            {real_tensor({5, static_cast<std::int64_t>(heads) * 3}), key, key},
            1};
  };
  Case whole(scene(4, 2)), part(scene(2, 1));  // 12 and 6 columns; the second half is heads 2 and 3, shared head 1
  copy_block(whole.inputs[0], {0, 5, 6, 6, 12}, part.inputs[0]);
  for (std::size_t i = 1; i < 3; ++i) copy_block(whole.inputs[i], {0, 5, 3, 3, 6}, part.inputs[i]);
  copy_block(whole.output_gradient, {0, 5, 6, 6, 12}, part.output_gradient);

  whole.run_all(reference(whole));
  part.run_all(reference(part));

  CHECK(farthest(part.output, whole.output, {0, 5, 6, 6, 12}) < kRounding);
  CHECK(farthest(part.input_gradients[0], whole.input_gradients[0], {0, 5, 6, 6, 12}) < kRounding);
  CHECK(farthest(part.input_gradients[1], whole.input_gradients[1], {0, 5, 3, 3, 6}) < kRounding);
  CHECK(farthest(part.input_gradients[2], whole.input_gradients[2], {0, 5, 3, 3, 6}) < kRounding);
}

TEST_CASE("rotary turns a later part of the sequence by its own positions") {
  const auto scene = [](std::int64_t sequence) -> Scene {
    return {"rotary",
            {{"heads", 1},
             {"base", 100},
             {"factor", 1},
             {"original_positions", 0},
             {"low_frequency_factor", 1},
             {"high_frequency_factor", 4}},
            {real_tensor({sequence, 4})},
            1};
  };
  KernelCase<float> whole(scene(7)), part(scene(3));
  copy_block(whole.inputs[0], {4, 3, 0, 4, 4}, part.inputs[0]);
  part.origins = begin_at({{4, 0}}, {}, {4, 0}, {7, 4});

  whole.run(find_kernels(fast_kernels(), "rotary"), Pass::forward);
  part.run(find_kernels(fast_kernels(), "rotary"), Pass::forward);

  for (std::size_t at = 0; at < part.output.size(); ++at) CHECK(part.output[at] == whole.output[16 + at]);
}

TEST_CASE("segments are counted over the whole sequence") {
  KernelCase<float> part({"segment_embedding", {{"segments", 2}, {"deviation", 0.02}}, {real_tensor({3, 1})}, 1});
  std::ranges::fill(part.inputs[0], 0.0F);
  part.parameters[0].set({10, 20});
  part.origins = begin_at({}, {}, {3, 0}, {8, 1});  // rows 3, 4, 5 of 8: segments 0, 1, 1

  part.run(find_kernels(fast_kernels(), "segment_embedding"), Pass::forward);

  CHECK(std::vector<float>(part.output.begin(), part.output.end()) == std::vector<float>{10, 20, 20});
}

}  // namespace tandem
