#include <algorithm>

#include "base/error.hpp"
#include "tests/exec/kernel_case.hpp"

namespace tandem {

namespace {

Scene linear(std::int64_t batch, std::vector<std::int64_t> input, double features, double bias = 1) {
  return {
      "linear", {{"features", features}, {"bias", bias}, {"deviation", 0.02}}, {real_tensor(std::move(input))}, batch};
}

Scene attention(std::int64_t batch, std::int64_t sequence, std::int64_t hidden, double heads, double causal = 1) {
  return {"attention", {{"heads", heads}, {"causal", causal}}, {real_tensor({sequence, 3 * hidden})}, batch};
}

Scene dropping(Scene scene, double rate, double stores_mask) {
  scene.attributes.push_back({"dropout", rate});
  scene.attributes.push_back({"stores_mask", stores_mask});
  return scene;
}

Scene one_input(std::string kind, std::int64_t batch, std::vector<std::int64_t> dims) {
  return {std::move(kind), {}, {real_tensor(std::move(dims))}, batch};
}

Scene two_inputs(std::string kind, std::int64_t batch, const std::vector<std::int64_t>& dims) {
  return {std::move(kind), {}, {real_tensor(dims), real_tensor(dims)}, batch};
}

Scene layer_norm(std::int64_t batch, std::vector<std::int64_t> dims) {
  return {"layer_norm", {{"epsilon", 1e-5}}, {real_tensor(std::move(dims))}, batch};
}

Scene token_embedding(std::int64_t batch, std::int64_t sequence, double vocabulary, double hidden) {
  return {"token_embedding",
          {{"vocabulary", vocabulary}, {"hidden", hidden}, {"deviation", 0.02}},
          {token_tensor({sequence})},
          batch};
}

Scene position_embedding(std::int64_t batch, std::vector<std::int64_t> dims) {
  return {"position_embedding", {{"deviation", 0.02}}, {real_tensor(std::move(dims))}, batch};
}

Scene cross_entropy(std::int64_t batch, std::int64_t sequence, std::int64_t vocabulary) {
  return {"softmax_cross_entropy", {}, {real_tensor({sequence, vocabulary}), token_tensor({sequence})}, batch};
}

}  // namespace

TensorSpec real_tensor(std::vector<std::int64_t> dims) { return {.dims = std::move(dims)}; }
TensorSpec token_tensor(std::vector<std::int64_t> dims) {
  return {.dims = std::move(dims), .type = ElementType::int32};
}

std::vector<Scene> all_scenes() {
  std::vector<Scene> scenes{
      linear(3, {5, 12}, 7),
      linear(1, {1}, 1),
      linear(2, {33}, 17, 0),
      linear(4, {16, 64}, 96),
      linear(5, {1, 3}, 130),
      attention(2, 6, 8, 2),
      attention(1, 1, 3, 3),
      attention(3, 19, 20, 4),
      attention(2, 33, 24, 2, 0),
      attention(2, 64, 32, 4),
      dropping(attention(2, 7, 8, 2), 0.3, 0),
      dropping(attention(2, 7, 8, 2), 0.3, 1),
      dropping(attention(1, 9, 12, 3, 0), 0.5, 0),
      one_input("relu", 3, {5, 7}),
      one_input("relu", 1, {1}),
      one_input("relu", 2, {64}),
      one_input("gelu", 3, {5, 7}),
      one_input("gelu", 1, {1}),
      one_input("gelu", 4, {9, 64}),
      layer_norm(3, {5, 12}),
      layer_norm(1, {7}),
      layer_norm(2, {3, 37}),
      layer_norm(4, {16, 128}),
      token_embedding(3, 5, 11, 7),
      token_embedding(1, 1, 2, 1),
      token_embedding(4, 16, 9, 32),
      position_embedding(3, {5, 7}),
      position_embedding(1, {1, 1}),
      position_embedding(4, {16, 32}),
      two_inputs("residual_add", 3, {5, 7}),
      two_inputs("residual_add", 1, {1}),
      two_inputs("residual_add", 4, {64}),
      cross_entropy(3, 5, 7),
      cross_entropy(1, 1, 2),
      cross_entropy(2, 9, 37),
      cross_entropy(4, 16, 256),
      two_inputs("mean_squared_error", 3, {7}),
      two_inputs("mean_squared_error", 1, {1}),
      two_inputs("mean_squared_error", 4, {5, 16}),
      two_inputs("mean_absolute_error", 3, {7}),
      two_inputs("mean_absolute_error", 1, {1}),
      two_inputs("mean_absolute_error", 4, {5, 16}),
  };
  for (auto& scene : vision_scenes()) scenes.push_back(std::move(scene));
  for (auto& scene : language_scenes()) scenes.push_back(std::move(scene));
  return scenes;
}

Scene scene_of(const std::string& kind) {
  const auto scenes = all_scenes();
  const auto found = std::ranges::find(scenes, kind, &Scene::kind);
  invariant(found != scenes.end(), "there is a scene for the kind");
  return *found;
}

}  // namespace tandem
