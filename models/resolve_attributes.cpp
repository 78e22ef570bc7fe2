#include <algorithm>
#include <cmath>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "models/definition.hpp"

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
  for (const auto& [name, value] : definition.attributes) {
    if (std::ranges::find(known, name) != known.end()) continue;
    refuse(definition, fmt::format("{} has no such attribute{}", kind.name, did_you_mean(name, known)), name,
           fmt::format("{}", fmt::join(known, ", ")));
  }
}

}  // namespace

Attributes resolve_attributes(const LayerDefinition& definition, const LayerKind& kind) {
  refuse_unknown_attributes(definition, kind);
  Attributes attributes;
  for (const auto& spec : kind.attributes) {
    attributes.values.push_back({std::string(spec.name), attribute_value(definition, spec)});
  }
  return attributes;
}

}  // namespace tandem
