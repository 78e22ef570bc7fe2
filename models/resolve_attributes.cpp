#include <algorithm>
#include <cmath>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "models/definition.hpp"
#include "models/shorthand.hpp"

namespace tandem {

namespace {

double checked(const LayerDefinition& definition, const AttributeSpec& spec, double value) {
  if (!(value >= spec.low && value <= spec.high) || (spec.whole && value != std::floor(value))) {
    refuse(definition, fmt::format("{} is out of range", spec.name), fmt::format("{}", value),
           fmt::format("a {} from {} to {}", spec.whole ? "whole number" : "number", spec.low, spec.high));
  }
  return value;
}

double attribute_value(const LayerDefinition& definition, const AttributeSpec& spec) {
  const auto matches = [&](const auto& given) { return given.first == spec.name; };
  const auto given = std::ranges::find_if(definition.attributes, matches);
  if (given != definition.attributes.end()) return checked(definition, spec, given->second);
  if (!spec.fallback) refuse(definition, fmt::format("missing attribute \"{}\": {}", spec.name, spec.meaning));
  return *spec.fallback;
}

void refuse_unknown_attributes(const LayerDefinition& definition, const LayerKind& kind) {
  std::vector<std::string> known;
  for (const auto& spec : kind.attributes) known.emplace_back(spec.name);
  for (auto& word : shorthands_of(kind)) known.push_back(std::move(word));
  for (const auto& [name, value] : definition.attributes) {
    if (std::ranges::find(known, name) != known.end()) continue;
    refuse(definition, fmt::format("{} has no such attribute{}", kind.name, did_you_mean(name, known)), name,
           fmt::format("{}", fmt::join(known, ", ")));
  }
}

/// The definition with each shorthand as the attributes that it stands for.
LayerDefinition spelled_out(const LayerDefinition& definition, const LayerKind& kind) {
  auto result = definition;
  result.attributes.clear();
  for (const auto& [name, value] : definition.attributes) {
    const auto names = tandem::spelled_out(name, kind);
    if (names.empty()) result.attributes.emplace_back(name, value);
    for (const auto long_name : names) {
      const auto is_same = [&](const auto& given) { return given.first == long_name; };
      if (std::ranges::any_of(definition.attributes, is_same)) {
        refuse(definition, fmt::format("{} is given twice", long_name), name, fmt::format("{} or {}", name, long_name));
      }
      result.attributes.emplace_back(std::string(long_name), value);
    }
  }
  return result;
}

}  // namespace

Attributes resolve_attributes(const LayerDefinition& definition, const LayerKind& kind) {
  refuse_unknown_attributes(definition, kind);
  const auto given = spelled_out(definition, kind);
  Attributes attributes;
  for (const auto& spec : kind.attributes) {
    attributes.values.push_back({std::string(spec.name), attribute_value(given, spec)});
  }
  return attributes;
}

}  // namespace tandem
