#include "models/dropout_use.hpp"

#include <algorithm>
#include <iterator>

#include "models/model_text.hpp"

namespace tandem {
namespace {

constexpr std::string_view kNames[] = {"off", "recomputed", "stored"};
constexpr std::string_view kStores = "stores_mask";

bool may_store(const LayerDefinition& definition) {
  const auto kinds = layer_kinds();
  const auto kind = std::ranges::find(kinds, definition.kind, &LayerKind::name);
  return kind != kinds.end() && std::ranges::find(kind->attributes, kStores, &AttributeSpec::name) != kind->attributes.end();
}

}  // namespace

std::string_view name_of(DropoutUse use) { return kNames[static_cast<std::size_t>(use)]; }

std::vector<std::string> dropout_use_names() { return {std::begin(kNames), std::end(kNames)}; }

std::optional<DropoutUse> find_dropout_use(std::string_view name) {
  const auto at = std::find(std::begin(kNames), std::end(kNames), name);
  if (at == std::end(kNames)) return {};
  return static_cast<DropoutUse>(at - std::begin(kNames));
}

void use_dropout(std::vector<LayerDefinition>& definitions, DropoutUse use) {
  if (use == DropoutUse::off) return;
  for (LayerDefinition& definition : definitions) {
    if (!may_store(definition)) continue;
    std::erase_if(definition.attributes, [](const auto& attribute) { return attribute.first == kStores; });
    definition.attributes.emplace_back(kStores, use == DropoutUse::stored ? 1 : 0);
  }
}

}  // namespace tandem
