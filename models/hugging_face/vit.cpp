// The vision transformer (2010.11929): patches of the image as a sequence, a class token first, layer norms before
// attention and MLP, and a classifier of the first position.

#include <fmt/format.h>

#include "models/hugging_face/encoder_list.hpp"

namespace tandem {

namespace {

constexpr ConfigNumber kNumbers[] = {
    {.names = "hidden_size", .low = 1, .high = kLargestConfigSize / 3},
    {.names = "intermediate_size", .low = 1, .high = kLargestConfigSize},
    {.names = "num_hidden_layers", .low = 1, .high = 9'000},
    {.names = "num_attention_heads", .low = 1, .high = 65'536},
    {.names = "image_size", .low = 1, .high = 65'536, .fallback = 224},
    {.names = "patch_size", .low = 1, .high = 1'024, .fallback = 16},
    {.names = "num_channels", .low = 1, .high = 65'536, .fallback = 3},
    {.names = "layer_norm_eps", .low = 0, .high = 1, .fallback = 1e-12, .whole = false},
    {.names = "initializer_range", .low = 0, .high = 1'000, .fallback = 0.02, .whole = false},
    {.names = "hidden_dropout_prob", .low = 0, .high = kHighestRate, .fallback = 0, .whole = false},
    {.names = "attention_probs_dropout_prob", .low = 0, .high = kHighestRate, .fallback = 0, .whole = false},
};

constexpr ConfigSwitch kSwitches[] = {
    {.name = "qkv_bias", .fallback = true},
};

constexpr ConfigWord kWords[] = {
    {.names = "hidden_act", .allowed = kActivations, .fallback = "gelu"},
};

constexpr ConfigCount kCounts[] = {
    {.name = "id2label", .low = 2, .high = kLargestConfigSize, .fallback = 2},
};

class VitBuilder : EncoderList {
 public:
  explicit VitBuilder(const Config& config) : EncoderList(config) {}

  std::vector<LayerDefinition> build() {
    add_embeddings();
    for (std::int64_t i = 0; i < config_.integer("num_hidden_layers"); ++i) {
      add_block(fmt::format("encoder.layer.{}.", i));
    }
    add_norm("norm");
    add("first", "first_position");
    add_linear("classifier", config_.number("id2label"));
    add("loss", "softmax_cross_entropy", {}, {"classifier", "targets"});
    return take();
  }

 private:
  void add_embeddings() {
    const auto size = config_.number("image_size"), patch = config_.number("patch_size");
    add("images", "images", {{"channels", config_.number("num_channels")}, {"height", size}, {"width", size}});
    add("targets", "target_class", {{"classes", config_.number("id2label")}});
    add("embeddings.patch", "conv2d",
        {{"channels", hidden_},
         {"kernel_height", patch},
         {"kernel_width", patch},
         {"stride_height", patch},
         {"stride_width", patch},
         {"deviation", deviation_}},
        {"images"});
    add("embeddings.sequence", "image_to_sequence");
    add("embeddings.class", "class_token", {{"deviation", deviation_}});
    add("embeddings.position", "position_embedding", {{"deviation", deviation_}});
    add_dropout("embeddings.dropout", config_.rate("hidden_dropout_prob"));
  }

  void add_block(const std::string& prefix) {
    const auto block_input = last();
    add_norm(prefix + "norm_before");
    add_attention(prefix, config_.is_set("qkv_bias"));
    add(prefix + "attention.add", "residual_add", {}, {block_input, last()});
    add_norm(prefix + "norm_after");
    add_mlp(prefix);
    add(prefix + "add", "residual_add", {}, {prefix + "attention.add", last()});
  }
};

std::vector<LayerDefinition> build(const Config& config) {
  want_dividing_heads(config, "hidden_size", "num_attention_heads");
  const auto size = config.integer("image_size"), patch = config.integer("patch_size");
  if (size % patch != 0) {
    config.fail("the patches do not divide the image", fmt::format("image_size {} and patch_size {}", size, patch),
                "image_size a multiple of patch_size");
  }
  return VitBuilder(config).build();
}

}  // namespace

Architecture vit_architecture() {
  return {.model_type = "vit",
          .numbers = kNumbers,
          .switches = kSwitches,
          .words = kWords,
          .counts = kCounts,
          .build = build};
}

}  // namespace tandem
