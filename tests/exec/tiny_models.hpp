#pragma once
// Models small enough for finite differences, and their data.

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "models/dataset.hpp"
#include "models/model.hpp"

namespace tandem {

/// A row of a model's definition: name, kind, inputs (none: the row before), attributes.
inline LayerDefinition defined(std::string name, std::string kind, std::vector<std::string> inputs = {},
                               std::vector<std::pair<std::string, double>> attributes = {},
                               std::optional<std::string> tie = {}) {
  return {std::move(name), std::move(kind), std::move(attributes), std::move(inputs), std::move(tie), {}};
}

/// One transformer block, hidden 4, sequence 3, bytes as vocabulary, the output projection tied to the embedding.
inline Model tiny_gpt() {
  return Model("tiny-gpt",
               {defined("tokens", "tokens", {}, {{"sequence", 3}, {"vocabulary", 256}}),
                defined("targets", "target_tokens", {}, {{"sequence", 3}}),
                defined("wte", "token_embedding", {"tokens"}, {{"vocabulary", 256}, {"hidden", 4}, {"deviation", 0.5}}),
                defined("wpe", "position_embedding", {}, {{"deviation", 0.5}}),
                defined("ln_1", "layer_norm"),
                defined("qkv", "linear", {}, {{"features", 12}, {"deviation", 0.5}}),
                defined("core", "attention", {}, {{"heads", 2}}),
                defined("proj", "linear", {}, {{"features", 4}, {"deviation", 0.5}}),
                defined("add_1", "residual_add", {"wpe", "proj"}),
                defined("ln_2", "layer_norm"),
                defined("fc", "linear", {}, {{"features", 8}, {"deviation", 0.5}}),
                defined("gelu", "gelu"),
                defined("out", "linear", {}, {{"features", 4}, {"deviation", 0.5}}),
                defined("add_2", "residual_add", {"add_1", "out"}),
                defined("ln_f", "layer_norm"),
                defined("head", "linear", {}, {{"features", 256}, {"bias", 0}}, "wte.weight"),
                defined("loss", "softmax_cross_entropy", {"head", "targets"})});
}

/// Eight values in, relu between two linear layers, two values out.
inline Model tiny_mlp() {
  return Model("tiny-mlp", {defined("x", "values", {}, {{"features", 8}}),
                            defined("t", "target_values", {}, {{"features", 2}}),
                            defined("fc_1", "linear", {"x"}, {{"features", 16}, {"deviation", 0.4}}),
                            defined("relu", "relu"),
                            defined("fc_2", "linear", {}, {{"features", 2}, {"deviation", 0.4}}),
                            defined("loss", "mean_squared_error", {"fc_2", "t"})});
}

/// y = w x + b for one value.
inline Model tiny_line() {
  return Model("tiny-line", {defined("x", "values", {}, {{"features", 1}}),
                             defined("t", "target_values", {}, {{"features", 1}}),
                             defined("line", "linear", {"x"}, {{"features", 1}}),
                             defined("loss", "mean_squared_error", {"line", "t"})});
}

inline constexpr const char* kTinyText = "the quick brown fox jumps over the lazy dog, twice a day; and then it sleeps.";

}  // namespace tandem
