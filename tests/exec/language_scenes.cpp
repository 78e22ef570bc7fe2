#include "tests/exec/kernel_case.hpp"

namespace tandem {

namespace {

Scene elementwise(std::string kind, std::int64_t batch, const std::vector<std::int64_t>& dims) {
  const auto inputs = find_layer_kind(kind).inputs;
  return {std::move(kind), {}, std::vector<TensorSpec>(inputs, real_tensor(dims)), batch};
}

Scene dropout(std::int64_t batch, std::vector<std::int64_t> dims, double probability) {
  return {"dropout", {{"probability", probability}, {"stores_mask", 0}}, {real_tensor(std::move(dims))}, batch};
}

Scene rms_norm(std::int64_t batch, std::vector<std::int64_t> dims) {
  return {"rms_norm", {{"epsilon", 1e-5}}, {real_tensor(std::move(dims))}, batch};
}

Scene rotary(std::int64_t batch, std::int64_t sequence, std::int64_t head, double heads, double original = 0) {
  return {"rotary",
          {{"heads", heads},
           {"base", 100},
           {"factor", original > 0 ? 8.0 : 1.0},
           {"original_positions", original},
           {"low_frequency_factor", 1},
           {"high_frequency_factor", 4}},
          {real_tensor({sequence, static_cast<std::int64_t>(heads) * head})},
          batch};
}

Scene grouped_attention(std::int64_t batch, std::int64_t sequence, std::int64_t head, std::int64_t heads,
                        std::int64_t shared, double causal = 1, double dropout = 0, double stores_mask = 0) {
  const auto key = real_tensor({sequence, shared * head});
  return {"grouped_attention",
          {{"heads", static_cast<double>(heads)},
           {"key_value_heads", static_cast<double>(shared)},
           {"causal", causal},
           {"dropout", dropout},
           {"stores_mask", stores_mask}},
          {real_tensor({sequence, heads * head}), key, key},
          batch};
}

Scene segment_embedding(std::int64_t batch, std::vector<std::int64_t> dims, double segments) {
  return {"segment_embedding", {{"segments", segments}, {"deviation", 0.02}}, {real_tensor(std::move(dims))}, batch};
}

Scene class_token(std::int64_t batch, std::vector<std::int64_t> dims) {
  return {"class_token", {{"deviation", 0.02}}, {real_tensor(std::move(dims))}, batch};
}

Scene statistics(std::int64_t batch, std::int64_t sequence, std::int64_t vocabulary, double parts) {
  return {"vocabulary_statistics",
          {{"parts", parts}},
          {real_tensor({sequence, vocabulary}), token_tensor({sequence})},
          batch};
}

Scene from_statistics(std::int64_t batch, std::int64_t sequence, std::int64_t vocabulary, std::int64_t parts) {
  return {"cross_entropy_from_statistics",
          {},
          {real_tensor({sequence, vocabulary}), real_tensor({parts, sequence, 3}), token_tensor({sequence})},
          batch};
}

}  // namespace

std::vector<Scene> language_scenes() {
  return {
      elementwise("swiglu", 3, {5, 7}),
      elementwise("swiglu", 1, {1}),
      elementwise("swiglu", 4, {9, 64}),
      elementwise("tanh", 3, {5, 7}),
      elementwise("tanh", 4, {64}),
      elementwise("erf_gelu", 3, {5, 7}),
      elementwise("erf_gelu", 1, {1}),
      elementwise("erf_gelu", 4, {9, 64}),
      dropout(3, {5, 7}, 0.3),
      dropout(1, {1}, 0),
      dropout(2, {2, 3, 5}, 0.5),
      dropout(4, {16, 64}, 0.1),
      rms_norm(3, {5, 12}),
      rms_norm(1, {7}),
      rms_norm(4, {16, 128}),
      rotary(3, 5, 4, 3),
      rotary(1, 1, 2, 1),
      rotary(2, 33, 16, 2),
      rotary(2, 17, 12, 4, 64),
      grouped_attention(2, 6, 4, 4, 2),
      grouped_attention(1, 1, 3, 1, 1),
      grouped_attention(2, 19, 5, 6, 2),
      grouped_attention(2, 33, 8, 4, 1, 0),
      grouped_attention(2, 7, 4, 4, 2, 1, 0.3),
      grouped_attention(2, 7, 4, 4, 2, 1, 0.3, 1),
      segment_embedding(3, {6, 7}, 2),
      segment_embedding(1, {1, 1}, 1),
      segment_embedding(2, {5, 32}, 3),
      class_token(3, {4, 7}),
      class_token(2, {16, 32}),
      elementwise("image_to_sequence", 3, {3, 4, 5}),
      elementwise("image_to_sequence", 2, {16, 7, 7}),
      elementwise("first_position", 2, {5, 7}),
      elementwise("first_position", 4, {16, 32}),
      statistics(3, 5, 7, 1),
      statistics(2, 9, 37, 3),
      from_statistics(3, 5, 7, 1),
      from_statistics(1, 1, 2, 2),
      from_statistics(2, 9, 37, 3),
      from_statistics(4, 16, 256, 2),
  };
}

}  // namespace tandem
