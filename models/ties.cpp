#include "models/ties.hpp"

#include <algorithm>
#include <unordered_map>
#include <unordered_set>

#include <fmt/format.h>

#include "models/definition.hpp"

namespace tandem {

namespace {

using ParameterIndex = std::unordered_map<std::string_view, ParameterId>;

ParameterId tie_owner(const LayerDefinition& definition, const ParameterIndex& index) {
  const auto found = index.find(*definition.tie);
  if (found != index.end()) return found->second;
  std::vector<std::string> names;
  for (const auto& [name, id] : index) names.emplace_back(name);
  std::ranges::sort(names);
  refuse(definition, "tied to an unknown parameter" + did_you_mean(*definition.tie, names), *definition.tie,
         "the name of a parameter, such as \"wte.weight\"");
}

ParameterId tied_weight(const LayerDefinition& definition, const ParameterIndex& index) {
  const auto found = index.find(definition.name + ".weight");
  if (found == index.end()) refuse(definition, "tied, but it has no weight");
  return found->second;
}

void tie_weight(const LayerDefinition& definition, const ParameterIndex& index, std::vector<Parameter>& parameters) {
  const auto owner = tie_owner(definition, index), user = tied_weight(definition, index);
  const auto &owned = parameters[index_of(owner)], &used = parameters[index_of(user)];
  if (owner == user) refuse(definition, "tied to its own weight");
  if (owned.tied_to) refuse(definition, "tied to a parameter that is tied itself", owned.name);
  if (owned.spec.dims != used.spec.dims) {
    refuse(definition, fmt::format("tied to {}, which differs in shape", owned.name), shape_text(used.spec.dims),
           shape_text(owned.spec.dims));
  }
  parameters[index_of(user)].tied_to = owner;
}

void check_ties(const std::vector<LayerDefinition>& definitions, const std::vector<std::size_t>& order,
                const std::vector<Parameter>& parameters) {
  std::unordered_set<std::uint32_t> owners;
  for (const auto& parameter : parameters) {
    if (!parameter.tied_to) continue;
    const auto& definition = definitions[order[index_of(parameter.layer)]];
    const auto& owner = parameters[index_of(*parameter.tied_to)];
    if (owner.tied_to) refuse(definition, "tied to a parameter that is tied itself", owner.name);
    if (!owners.insert(index_of(*parameter.tied_to)).second) {
      refuse(definition, "a second layer tied to the same parameter", owner.name, "at most one");
    }
  }
}

}  // namespace

void tie_all(const std::vector<LayerDefinition>& definitions, const std::vector<std::size_t>& order,
             std::vector<Parameter>& parameters) {
  ParameterIndex index;
  for (std::size_t i = 0; i < parameters.size(); ++i) index.emplace(parameters[i].name, static_cast<ParameterId>(i));
  for (const auto at : order) {
    if (definitions[at].tie) tie_weight(definitions[at], index, parameters);
  }
  check_ties(definitions, order, parameters);
}

}  // namespace tandem
