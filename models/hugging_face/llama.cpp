// Llama, dense (2302.13971, 2307.09288, 2407.21783): RMS norms, rotary positions, grouped-query attention, SwiGLU.

#include <fmt/format.h>

#include "models/hugging_face/definition_list.hpp"

namespace tandem {

namespace {

constexpr ConfigNumber kNumbers[] = {
    {.names = "vocab_size", .low = 2, .high = kLargestConfigSize},
    {.names = "hidden_size", .low = 1, .high = kLargestConfigSize},
    {.names = "intermediate_size", .low = 1, .high = kLargestConfigSize},
    {.names = "num_hidden_layers", .low = 1, .high = 6'000},
    {.names = "num_attention_heads", .low = 1, .high = 65'536},
    {.names = "num_key_value_heads", .low = 1, .high = 65'536, .required = false},
    {.names = "head_dim", .low = 1, .high = kLargestConfigSize, .required = false},
    {.names = "max_position_embeddings", .low = 1, .high = kLargestConfigSize},
    {.names = "rms_norm_eps", .low = 0, .high = 1, .fallback = 1e-6, .whole = false},
    {.names = "initializer_range", .low = 0, .high = 1'000, .fallback = 0.02, .whole = false},
    {.names = "attention_dropout", .low = 0, .high = kHighestRate, .fallback = 0, .whole = false},
    {.names = "rope_theta rope_parameters.rope_theta", .low = 1, .high = 1e12, .fallback = 10'000, .whole = false},
    {.names = "rope_scaling.factor rope_parameters.factor", .low = 1, .high = 1e6, .required = false, .whole = false},
    {.names = "rope_scaling.low_freq_factor rope_parameters.low_freq_factor",
     .low = 1e-3,
     .high = 1e6,
     .required = false,
     .whole = false},
    {.names = "rope_scaling.high_freq_factor rope_parameters.high_freq_factor",
     .low = 1e-3,
     .high = 1e6,
     .required = false,
     .whole = false},
    {.names = "rope_scaling.original_max_position_embeddings rope_parameters.original_max_position_embeddings",
     .low = 1,
     .high = kLargestConfigSize,
     .required = false},
    {.names = "partial_rotary_factor rope_parameters.partial_rotary_factor",
     .low = 1,
     .high = 1,
     .fallback = 1,
     .whole = false},
};

constexpr ConfigSwitch kSwitches[] = {
    {.name = "tie_word_embeddings", .fallback = false},
    {.name = "attention_bias", .fallback = false},
    {.name = "mlp_bias", .fallback = false},
};

constexpr ConfigWord kWords[] = {
    {.names = "hidden_act", .allowed = "silu swish"},
    {.names = "rope_scaling.rope_type rope_scaling.type rope_parameters.rope_type", .allowed = "default linear llama3"},
};

class LlamaBuilder : DefinitionList {
 public:
  explicit LlamaBuilder(const Config& config) : config_(config) {}

  std::vector<LayerDefinition> build() {
    add_embedding();
    for (std::int64_t i = 0; i < config_.integer("num_hidden_layers"); ++i) {
      const auto prefix = fmt::format("layers.{}.", i);
      add_attention(prefix);
      add_mlp(prefix);
    }
    add_norm("norm");
    add_output();
    return take();
  }

 private:
  void add_norm(std::string name) { add(std::move(name), "rms_norm", {{"epsilon", config_.number("rms_norm_eps")}}); }

  void add_linear(std::string name, double features, const char* bias, std::string input) {
    add(std::move(name), "linear",
        {{"features", features}, {"bias", config_.is_set(bias) ? 1.0 : 0.0}, {"deviation", deviation_}},
        {std::move(input)});
  }

  void add_embedding() {
    const auto vocabulary = config_.number("vocab_size"), sequence = config_.number("max_position_embeddings");
    add("tokens", "tokens", {{"sequence", sequence}, {"vocabulary", vocabulary}});
    add("targets", "target_tokens", {{"sequence", sequence}});
    add("embed_tokens", "token_embedding",
        {{"vocabulary", vocabulary}, {"hidden", hidden_}, {"deviation", deviation_}}, {"tokens"});
  }

  void add_rotary(std::string name, double heads, std::string input) {
    auto& rotary = add(std::move(name), "rotary", {{"heads", heads}, {"base", config_.number("rope_theta")}},
                       {std::move(input)});
    const auto type = config_.word("rope_scaling.rope_type");
    if (type != "linear" && type != "llama3") return;
    rotary.attributes.emplace_back("factor", scaling("factor"));
    if (type == "linear") return;
    rotary.attributes.emplace_back("original_positions", scaling("original_max_position_embeddings"));
    rotary.attributes.emplace_back("low_frequency_factor", scaling("low_freq_factor"));
    rotary.attributes.emplace_back("high_frequency_factor", scaling("high_freq_factor"));
  }

  double scaling(const std::string& name) const {
    const double value = config_.number_or("rope_scaling." + name, 0);
    if (value == 0) config_.fail(fmt::format("rope_scaling has no {}", name));
    return value;
  }

  void add_attention(const std::string& prefix) {
    const auto block_input = last(), attention = prefix + "self_attn.", normed = prefix + "input_layernorm";
    const auto heads = config_.number("num_attention_heads");
    const auto shared = config_.number_or("num_key_value_heads", heads);
    const auto size = config_.number_or("head_dim", hidden_ / heads);
    add_norm(normed);
    add_linear(attention + "q_proj", heads * size, "attention_bias", normed);
    add_linear(attention + "k_proj", shared * size, "attention_bias", normed);
    add_linear(attention + "v_proj", shared * size, "attention_bias", normed);
    add_rotary(attention + "q_rotary", heads, attention + "q_proj");
    add_rotary(attention + "k_rotary", shared, attention + "k_proj");
    add(attention + "core", "grouped_attention", {{"heads", heads}, {"key_value_heads", shared}, {"dropout", config_.rate("attention_dropout")}},
        {attention + "q_rotary", attention + "k_rotary", attention + "v_proj"});
    add_linear(attention + "o_proj", hidden_, "attention_bias", attention + "core");
    add(prefix + "add_1", "residual_add", {}, {block_input, attention + "o_proj"});
  }

  void add_mlp(const std::string& prefix) {
    const auto normed = prefix + "post_attention_layernorm", mlp = prefix + "mlp.";
    const auto features = config_.number("intermediate_size");
    add_norm(normed);
    add_linear(mlp + "gate_proj", features, "mlp_bias", normed);
    add_linear(mlp + "up_proj", features, "mlp_bias", normed);
    add(mlp + "swiglu", "swiglu", {}, {mlp + "gate_proj", mlp + "up_proj"});
    add_linear(mlp + "down_proj", hidden_, "mlp_bias", mlp + "swiglu");
    add(prefix + "add_2", "residual_add", {}, {prefix + "add_1", mlp + "down_proj"});
  }

  void add_output() {
    auto& output = add("lm_head", "linear",
                       {{"features", config_.number("vocab_size")}, {"bias", 0}, {"deviation", deviation_}});
    if (config_.is_set("tie_word_embeddings")) output.tie = "embed_tokens.weight";
    add("loss", "softmax_cross_entropy", {}, {"lm_head", "targets"});
  }

  const Config& config_;
  double hidden_ = config_.number("hidden_size");
  double deviation_ = config_.number("initializer_range");
};

void check_heads(const Config& config) {
  const auto hidden = config.integer("hidden_size"), heads = config.integer("num_attention_heads");
  const auto shared = static_cast<std::int64_t>(config.number_or("num_key_value_heads", static_cast<double>(heads)));
  if (config.number_or("head_dim", 0) == 0) want_dividing_heads(config, "hidden_size", "num_attention_heads");
  if (heads % shared != 0) {
    config.fail("the key and value heads do not divide the heads",
                fmt::format("num_key_value_heads {} and num_attention_heads {}", shared, heads),
                "num_attention_heads a multiple of num_key_value_heads");
  }
  const auto size = static_cast<std::int64_t>(config.number_or("head_dim", static_cast<double>(hidden / heads)));
  if (size % 2 != 0) config.fail("rotary positions need heads of even size", fmt::format("{}", size), "an even size");
}

std::vector<LayerDefinition> build(const Config& config) {
  check_heads(config);
  if (config.word("rope_scaling.rope_type").empty() && config.number_or("rope_scaling.factor", 1) != 1) {
    config.fail("rope_scaling has a factor but no type", {}, "rope_type: default, linear or llama3");
  }
  return LlamaBuilder(config).build();
}

}  // namespace

Architecture llama_architecture() {
  return {.model_type = "llama", .numbers = kNumbers, .switches = kSwitches, .words = kWords, .build = build};
}

}  // namespace tandem
