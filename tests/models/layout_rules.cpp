#include <algorithm>

#include "tests/models/applied.hpp"

using namespace tandem;

namespace {

using Form = AxisLayout::Form;

std::vector<LayoutRule> rules_of(const Applied& layer) {
  if (layer.kind.rules == nullptr) return {};
  return layer.kind.rules(layer.attributes, layer.inputs, layer.output);
}

std::vector<std::string> names_of_rules(const Applied& layer) {
  std::vector<std::string> names;
  for (const auto& rule : rules_of(layer)) names.emplace_back(rule.name);
  return names;
}

/// One layer of each kind of language models, of shapes that its rules can split.
std::vector<Applied> language_layers() {
  const auto rows = real({8, 24});
  return {
      apply("attention", {rows}, {{"heads", 4}}),
      apply("class_token", {rows}),
      apply("cross_entropy_from_statistics", {rows, real({2, 8, 3}), whole({8})}),
      apply("dropout", {rows}),
      apply("erf_gelu", {rows}),
      apply("first_position", {rows}),
      apply("gelu", {rows}),
      apply("grouped_attention", {rows, real({8, 12}), real({8, 12})}, {{"heads", 4}, {"key_value_heads", 2}}),
      apply("image_to_sequence", {real({3, 4, 4})}),
      apply("layer_norm", {rows}),
      apply("linear", {rows}, {{"features", 6}}),
      apply("linear", {rows}, {{"features", 6}, {"bias", 0}}),
      apply("position_embedding", {rows}),
      apply("relu", {real({3, 4, 4})}),
      apply("residual_add", {rows, rows}),
      apply("rms_norm", {rows}),
      apply("rotary", {rows}, {{"heads", 4}}),
      apply("segment_embedding", {rows}, {{"segments", 2}}),
      apply("swiglu", {rows, rows}),
      apply("tanh", {rows}),
      apply("token_embedding", {whole({8})}, {{"vocabulary", 10}, {"hidden", 6}}),
      apply("tokens", {}, {{"sequence", 8}, {"vocabulary", 10}}),
      apply("vocabulary_statistics", {rows, whole({8})}, {{"parts", 2}}),
  };
}

bool fits(const AxisLayout& layout, const std::vector<std::int64_t>& dims) {
  return layout.form != Form::split || static_cast<std::size_t>(layout.dimension) < dims.size();
}

/// The layer as a rank of two computes it: local sizes halved, split inputs halved.
Applied half_of(const Applied& layer, const LayoutRule& rule) {
  auto attributes = layer.attributes;
  for (auto& [name, value] : attributes.values) {
    if (std::ranges::find(rule.local_sizes, name) != rule.local_sizes.end()) value /= 2;
  }
  auto inputs = layer.inputs;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    if (rule.inputs[i].form == Form::split) inputs[i].dims[static_cast<std::size_t>(rule.inputs[i].dimension)] /= 2;
  }
  return {layer.kind, attributes, inputs};
}

std::vector<std::int64_t> halved(std::vector<std::int64_t> dims, const AxisLayout& layout) {
  if (layout.form == Form::split) dims[static_cast<std::size_t>(layout.dimension)] /= 2;
  return dims;
}

}  // namespace

TEST_CASE("every rule speaks of each input and parameter, and of dimensions that they have") {
  for (const auto& layer : language_layers()) {
    INFO(layer.kind.name);
    const auto parameters = layer.parameters();
    const auto rules = rules_of(layer);
    CHECK_FALSE(rules.empty());
    for (const auto& rule : rules) {
      INFO(rule.name);
      REQUIRE(rule.inputs.size() == layer.inputs.size());
      REQUIRE(rule.parameters.size() == parameters.size());
      for (std::size_t i = 0; i < rule.inputs.size(); ++i) CHECK(fits(rule.inputs[i], layer.inputs[i].dims));
      for (std::size_t i = 0; i < parameters.size(); ++i) CHECK(fits(rule.parameters[i], parameters[i].dims));
      CHECK(fits(rule.output, layer.output.dims));
    }
  }
}

TEST_CASE("a rank's half of a layer is a layer whose output and parameters are the halves that the rule says") {
  for (const auto& layer : language_layers()) {
    for (const auto& rule : rules_of(layer)) {
      INFO(layer.kind.name << " " << rule.name);
      if (layer.kind.name == "relu" && rule.name == "channels") continue;  // three channels have no half
      if (layer.kind.name == "image_to_sequence") continue;

      const auto half = half_of(layer, rule);

      CHECK(half.output.dims == halved(layer.output.dims, rule.output));
      const auto own = half.parameters(), all = layer.parameters();
      for (std::size_t i = 0; i < own.size(); ++i) CHECK(own[i].dims == halved(all[i].dims, rule.parameters[i]));
    }
  }
}

TEST_CASE("a linear layer splits its columns by default, its rows, or the positions of a sequence") {
  const auto linear = apply("linear", {real({8, 24})}, {{"features", 6}});

  CHECK(names_of_rules(linear) == std::vector<std::string>{"columns", "rows", "positions"});
  CHECK(names_of_rules(apply("linear", {real({24})}, {{"features", 6}})) == std::vector<std::string>{"columns", "rows"});
  const auto rules = rules_of(linear);
  CHECK(rules[0].output == split(1));
  CHECK(rules[1].output == kPartial);
  CHECK(rules[1].parameters == std::vector{split(1), kReplicated});
}

TEST_CASE("what treats each value by itself splits in every dimension") {
  CHECK(names_of_rules(apply("gelu", {real({8})})) == std::vector<std::string>{"columns"});
  CHECK(names_of_rules(apply("gelu", {real({8, 24})})) == std::vector<std::string>{"columns", "positions"});
  CHECK(names_of_rules(apply("relu", {real({3, 4, 4})})) == std::vector<std::string>{"width", "height", "channels"});
}

TEST_CASE("a fused attention takes its queries, keys and values each split") {
  const auto rules = rules_of(apply("attention", {real({8, 24})}, {{"heads", 4}}));

  REQUIRE(rules.size() == 1);
  CHECK(rules[0].inputs[0] == split(1, 3));
  CHECK(rules[0].output == split(1));
}
