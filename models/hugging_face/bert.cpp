// BERT's encoder with its pooler (1810.04805): layer norms behind each sum. The encoder has no loss of its own; here
// its pooled vector predicts a token by the word embeddings, which adds no parameters.

#include <fmt/format.h>

#include "models/hugging_face/encoder_list.hpp"

namespace tandem {

namespace {

constexpr ConfigNumber kNumbers[] = {
    {.names = "vocab_size", .low = 2, .high = kLargestConfigSize},
    {.names = "hidden_size", .low = 1, .high = kLargestConfigSize / 3},
    {.names = "intermediate_size", .low = 1, .high = kLargestConfigSize},
    {.names = "num_hidden_layers", .low = 1, .high = 9'000},
    {.names = "num_attention_heads", .low = 1, .high = 65'536},
    {.names = "max_position_embeddings", .low = 1, .high = kLargestConfigSize},
    {.names = "type_vocab_size", .low = 1, .high = kLargestConfigSize, .fallback = 2},
    {.names = "layer_norm_eps", .low = 0, .high = 1, .fallback = 1e-12, .whole = false},
    {.names = "initializer_range", .low = 0, .high = 1'000, .fallback = 0.02, .whole = false},
    {.names = "hidden_dropout_prob", .low = 0, .high = kHighestRate, .fallback = 0.1, .whole = false},
    {.names = "attention_probs_dropout_prob", .low = 0, .high = kHighestRate, .fallback = 0.1, .whole = false},
};

constexpr ConfigSwitch kSwitches[] = {
    {.name = "is_decoder", .fallback = false, .only = false},
    {.name = "add_cross_attention", .fallback = false, .only = false},
};

constexpr ConfigWord kWords[] = {
    {.names = "hidden_act", .allowed = kActivations, .fallback = "gelu"},
    {.names = "position_embedding_type", .allowed = "absolute"},
};

class BertBuilder : EncoderList {
 public:
  explicit BertBuilder(const Config& config) : EncoderList(config) {}

  std::vector<LayerDefinition> build() {
    add_embeddings();
    for (std::int64_t i = 0; i < config_.integer("num_hidden_layers"); ++i) {
      add_block(fmt::format("encoder.layer.{}.", i));
    }
    add("pooler.first", "first_position");
    add_linear("pooler.dense", hidden_);
    add("pooler.activation", "tanh");
    add_linear("prediction", config_.number("vocab_size"), false).tie = "embeddings.word.weight";
    add("loss", "softmax_cross_entropy", {}, {"prediction", "targets"});
    return take();
  }

 private:
  void add_embeddings() {
    const auto vocabulary = config_.number("vocab_size"), sequence = config_.number("max_position_embeddings");
    add("tokens", "tokens", {{"sequence", sequence}, {"vocabulary", vocabulary}});
    add("targets", "target_tokens", {{"sequence", 1}});
    add("embeddings.word", "token_embedding",
        {{"vocabulary", vocabulary}, {"hidden", hidden_}, {"deviation", deviation_}}, {"tokens"});
    add("embeddings.position", "position_embedding", {{"deviation", deviation_}});
    add("embeddings.segment", "segment_embedding",
        {{"segments", config_.number("type_vocab_size")}, {"deviation", deviation_}});
    add_norm("embeddings.norm");
    add_dropout("embeddings.dropout", config_.rate("hidden_dropout_prob"));
  }

  void add_block(const std::string& prefix) {
    const auto block_input = last();
    add_attention(prefix, true);
    add(prefix + "attention.add", "residual_add", {}, {block_input, last()});
    add_norm(prefix + "attention.norm");
    add_mlp(prefix);
    add(prefix + "add", "residual_add", {}, {prefix + "attention.norm", last()});
    add_norm(prefix + "norm");
  }
};

std::vector<LayerDefinition> build(const Config& config) {
  want_dividing_heads(config, "hidden_size", "num_attention_heads");
  return BertBuilder(config).build();
}

}  // namespace

Architecture bert_architecture() {
  return {.model_type = "bert", .numbers = kNumbers, .switches = kSwitches, .words = kWords, .build = build};
}

}  // namespace tandem
