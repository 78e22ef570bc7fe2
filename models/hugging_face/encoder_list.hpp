#pragma once
// What the encoders BERT and ViT have in common: attention that sees every position, and an MLP.

#include <string>

#include "models/hugging_face/definition_list.hpp"

namespace tandem {

class EncoderList : protected DefinitionList {
 protected:
  explicit EncoderList(const Config& config) : config_(config) {}

  void add_norm(std::string name) {
    add(std::move(name), "layer_norm", {{"epsilon", config_.number("layer_norm_eps")}});
  }
  LayerDefinition& add_linear(std::string name, double features, bool has_bias = true) {
    return add(std::move(name), "linear",
               {{"features", features}, {"bias", has_bias ? 1.0 : 0.0}, {"deviation", deviation_}});
  }
  /// Reads the layer before; ends with "attention.output", or its dropout.
  void add_attention(const std::string& prefix, bool has_bias) {
    add_linear(prefix + "attention.qkv", 3 * hidden_, has_bias);
    add(prefix + "attention.core", "attention",
        {{"heads", config_.number("num_attention_heads")},
         {"causal", 0},
         {"dropout", config_.rate("attention_probs_dropout_prob")}});
    add_linear(prefix + "attention.output", hidden_);
    add_dropout(prefix + "attention.dropout", config_.rate("hidden_dropout_prob"));
  }
  /// Reads the layer before; ends with "output", or its dropout.
  void add_mlp(const std::string& prefix) {
    add_linear(prefix + "intermediate", config_.number("intermediate_size"));
    add(prefix + "activation", activation_kind(config_.word("hidden_act")));
    add_linear(prefix + "output", hidden_);
    add_dropout(prefix + "output_dropout", config_.rate("hidden_dropout_prob"));
  }

  const Config& config_;
  double hidden_ = config_.number("hidden_size");
  double deviation_ = config_.number("initializer_range");
};

}  // namespace tandem
