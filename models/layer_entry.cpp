#include "models/layer_entry.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "models/definition.hpp"
#include "models/shorthand.hpp"

namespace tandem {

namespace {

void check_keys(const YamlNode& node, const LayerKind& kind) {
  std::vector<std::string> known{"name", "kind", "inputs", "tie"};
  for (const auto& spec : kind.attributes) known.emplace_back(spec.name);
  for (auto& word : shorthands_of(kind)) known.push_back(std::move(word));
  for (const auto& [key, value] : node.entries()) {
    if (std::ranges::find(known, key.text()) != known.end()) continue;
    key.fail(fmt::format("{} has no key of this name{}", kind.name, did_you_mean(key.text(), known)), key.text());
  }
}

const LayerKind& read_kind(const YamlNode& node) {
  try {
    return find_layer_kind(node.text());
  } catch (const InputError& error) {
    node.fail(problem_of(error));
  }
}

const AttributeSpec& spec_of(const LayerKind& kind, std::string_view name) {
  const auto found = std::ranges::find(kind.attributes, name, &AttributeSpec::name);
  invariant(found != kind.attributes.end(), "a shorthand stands for attributes of its kind");
  return *found;
}

double read_attribute(const YamlNode& node, const AttributeSpec& spec) {
  if (!spec.whole) return node.number(spec.low, spec.high);
  return static_cast<double>(node.integer(static_cast<std::int64_t>(spec.low), static_cast<std::int64_t>(spec.high)));
}

}  // namespace

LayerDefinition read_layer(const YamlNode& node, std::string name) {
  const auto& kind = read_kind(node.at("kind"));
  check_keys(node, kind);
  LayerDefinition definition{.name = std::move(name), .kind = std::string(kind.name), .position = node.position()};
  for (const auto& spec : kind.attributes) {
    const auto* value = node.find(spec.name);
    if (value != nullptr) definition.attributes.emplace_back(std::string(spec.name), read_attribute(*value, spec));
  }
  for (auto& word : shorthands_of(kind)) {
    const auto* value = node.find(word);
    if (value == nullptr) continue;
    const double number = read_attribute(*value, spec_of(kind, spelled_out(word, kind).front()));
    definition.attributes.emplace_back(std::move(word), number);
  }
  return definition;
}

}  // namespace tandem
