#pragma once
// What the architectures' builders share: a list of layers under construction, and checks over several fields.

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "models/hugging_face/config.hpp"

namespace tandem {

/// Collects definitions, each of which reads the one before it unless said otherwise.
class DefinitionList {
 public:
  using Numbers = std::vector<std::pair<std::string, double>>;

  LayerDefinition& add(std::string name, std::string kind, Numbers attributes = {},
                       std::vector<std::string> inputs = {}) {
    return definitions_.emplace_back(LayerDefinition{.name = std::move(name),
                                                     .kind = std::move(kind),
                                                     .attributes = std::move(attributes),
                                                     .inputs = std::move(inputs)});
  }
  /// Where the rate is above 0.
  void add_dropout(std::string name, double rate) {
    if (rate > 0) add(std::move(name), "dropout", {{"probability", rate}});
  }
  const std::string& last() const { return definitions_.back().name; }  ///< the name of the last one
  std::vector<LayerDefinition> take() { return std::move(definitions_); }

 private:
  std::vector<LayerDefinition> definitions_;
};

/// Sizes that no dimension of a model exceeds.
constexpr double kLargestConfigSize = 16'777'216;

/// The highest rate of a dropout that leaves something.
constexpr double kHighestRate = 0.999;

/// The words for activations that Hugging Face writes and the layer kinds that they stand for.
inline constexpr std::string_view kActivations = "gelu gelu_new gelu_pytorch_tanh relu";
inline std::string activation_kind(std::string_view word) {
  if (word == "gelu") return "erf_gelu";
  return word == "relu" ? "relu" : "gelu";
}

/// Throws InputError with both values unless the heads divide the hidden size.
void want_dividing_heads(const Config& config, std::string_view hidden, std::string_view heads);

}  // namespace tandem
