// GPT-2 (Radford et al. 2019): layer norms before attention and MLP, learnt positions, output tied to the embedding.

#include <cmath>

#include <fmt/format.h>

#include "models/hugging_face/definition_list.hpp"

namespace tandem {

namespace {

constexpr double kLargest = 16'777'216;

constexpr ConfigNumber kNumbers[] = {
    {.names = "vocab_size", .low = 2, .high = kLargest},
    {.names = "n_positions max_position_embeddings n_ctx", .low = 1, .high = kLargest},
    {.names = "n_embd hidden_size", .low = 1, .high = kLargest / 4},
    {.names = "n_layer num_hidden_layers", .low = 1, .high = 9'000},
    {.names = "n_head num_attention_heads", .low = 1, .high = 65'536},
    {.names = "n_inner", .low = 1, .high = kLargest, .required = false},
    {.names = "layer_norm_epsilon", .low = 0, .high = 1, .fallback = 1e-5, .whole = false},
    {.names = "initializer_range", .low = 0, .high = 1'000, .fallback = 0.02, .whole = false},
    {.names = "embd_pdrop", .low = 0, .high = kHighestRate, .fallback = 0.1, .whole = false},
    {.names = "attn_pdrop", .low = 0, .high = kHighestRate, .fallback = 0.1, .whole = false},
    {.names = "resid_pdrop", .low = 0, .high = kHighestRate, .fallback = 0.1, .whole = false},
};

constexpr ConfigSwitch kSwitches[] = {
    {.name = "tie_word_embeddings", .fallback = true},
    {.name = "scale_attn_weights", .fallback = true, .only = true},
    {.name = "scale_attn_by_inverse_layer_idx", .fallback = false, .only = false},
    {.name = "add_cross_attention", .fallback = false, .only = false},
};

// Both names stand for the tanh approximation.
constexpr ConfigWord kWords[] = {
    {.names = "activation_function", .allowed = "gelu_new gelu_pytorch_tanh"},
};

class Gpt2Builder : DefinitionList {
 public:
  explicit Gpt2Builder(const Config& config) : config_(config) {}

  std::vector<LayerDefinition> build() {
    add_embeddings();
    for (std::int64_t i = 0; i < config_.integer("n_layer"); ++i) add_block(fmt::format("h.{}.", i));
    add_norm("ln_f");
    add_output();
    return take();
  }

 private:
  void add_norm(std::string name) { add(std::move(name), "layer_norm", {{"epsilon", config_.number("layer_norm_epsilon")}}); }
  LayerDefinition& add_linear(std::string name, double features, double deviation) {
    return add(std::move(name), "linear", {{"features", features}, {"deviation", deviation}});
  }

  void add_embeddings() {
    const auto vocabulary = config_.number("vocab_size"), sequence = config_.number("n_positions");
    add("tokens", "tokens", {{"sequence", sequence}, {"vocabulary", vocabulary}});
    add("targets", "target_tokens", {{"sequence", sequence}});
    add("wte", "token_embedding", {{"vocabulary", vocabulary}, {"hidden", hidden_}, {"deviation", deviation_}}, {"tokens"});
    add("wpe", "position_embedding", {{"deviation", deviation_}});
    add_dropout("drop", config_.rate("embd_pdrop"));
  }

  void add_block(const std::string& prefix) {
    const auto block_input = last();
    add_norm(prefix + "ln_1");
    add_linear(prefix + "attn.qkv", 3 * hidden_, deviation_);
    add(prefix + "attn.core", "attention",
        {{"heads", config_.number("n_head")}, {"dropout", config_.rate("attn_pdrop")}});
    add_linear(prefix + "attn.proj", hidden_, residual_deviation_);
    add_dropout(prefix + "attn.dropout", config_.rate("resid_pdrop"));
    add(prefix + "add_1", "residual_add", {}, {block_input, last()});
    add_norm(prefix + "ln_2");
    add_linear(prefix + "mlp.fc", config_.number_or("n_inner", 4 * hidden_), deviation_);
    add(prefix + "mlp.gelu", "gelu");
    add_linear(prefix + "mlp.proj", hidden_, residual_deviation_);
    add_dropout(prefix + "mlp.dropout", config_.rate("resid_pdrop"));
    add(prefix + "add_2", "residual_add", {}, {prefix + "add_1", last()});
  }

  void add_output() {
    auto& output = add_linear("lm_head", config_.number("vocab_size"), deviation_);
    output.attributes.emplace_back("bias", 0);
    if (config_.is_set("tie_word_embeddings")) output.tie = "wte.weight";
    add("loss", "softmax_cross_entropy", {}, {"lm_head", "targets"});
  }

  const Config& config_;
  double hidden_ = config_.number("n_embd");
  double deviation_ = config_.number("initializer_range");
  double residual_deviation_ = deviation_ / std::sqrt(2 * config_.number("n_layer"));
};

std::vector<LayerDefinition> build(const Config& config) {
  want_dividing_heads(config, "n_embd", "n_head");
  return Gpt2Builder(config).build();
}

}  // namespace

Architecture gpt2_architecture() {
  return {.model_type = "gpt2", .numbers = kNumbers, .switches = kSwitches, .words = kWords, .build = build};
}

}  // namespace tandem
