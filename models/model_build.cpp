// Builds a Model from definitions: order, shapes, parameters, ties, and what follows from them.

#include <algorithm>
#include <unordered_map>
#include <unordered_set>

#include <fmt/format.h>

#include "models/definition.hpp"

namespace tandem {

namespace {

constexpr std::size_t kLongestModelName = 200;

LayerId id_of(std::size_t index) { return static_cast<LayerId>(index); }

/// The layers in topological order, without shapes and parameters.
std::vector<Layer> arrange(const std::vector<LayerDefinition>& definitions, std::vector<ResolvedLayer>& resolved,
                           const std::vector<std::size_t>& order) {
  std::vector<LayerId> id_at(order.size());
  for (std::size_t i = 0; i < order.size(); ++i) id_at[order[i]] = id_of(i);
  std::vector<Layer> layers(order.size());
  for (std::size_t i = 0; i < order.size(); ++i) {
    auto& from = resolved[order[i]];
    layers[i].name = definitions[order[i]].name;
    layers[i].kind = from.kind;
    layers[i].attributes = std::move(from.attributes);
    for (const auto input : from.inputs) layers[i].inputs.push_back(id_at[input]);
  }
  return layers;
}

void link_readers(std::vector<Layer>& layers) {
  for (std::size_t i = 0; i < layers.size(); ++i) {
    for (const auto input : layers[i].inputs) {
      invariant(index_of(input) < i, "an input has a smaller id than its reader");
      auto& readers = layers[index_of(input)].readers;
      if (readers.empty() || readers.back() != id_of(i)) readers.push_back(id_of(i));
    }
  }
}

std::vector<TensorSpec> specs_of(const std::vector<Layer>& layers, const Layer& layer) {
  std::vector<TensorSpec> specs;
  for (const auto input : layer.inputs) specs.push_back(layers[index_of(input)].output);
  return specs;
}

void infer(std::vector<Layer>& layers, std::size_t index, const LayerDefinition& definition,
           std::vector<Parameter>& parameters) {
  auto& layer = layers[index];
  try {
    const auto inputs = specs_of(layers, layer);
    layer.output = layer.kind->output(layer.attributes, inputs);
    layer.output.elements_per_sample();  // refuses what cannot be counted
    layer.kept = layer.kind->kept(layer.attributes, inputs, layer.output);
    for (auto& spec : layer.kind->parameters(layer.attributes, inputs)) {
      spec.elements();
      layer.parameters.push_back(static_cast<ParameterId>(parameters.size()));
      parameters.push_back({id_of(index), layer.name + "." + spec.name, std::move(spec), {}});
    }
  } catch (const InputError& error) {
    refuse(definition, problem_of(error));
  }
}

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

void tie_all(const std::vector<LayerDefinition>& definitions, const std::vector<std::size_t>& order,
             std::vector<Parameter>& parameters) {
  ParameterIndex index;
  for (std::size_t i = 0; i < parameters.size(); ++i) index.emplace(parameters[i].name, static_cast<ParameterId>(i));
  for (const auto at : order) {
    if (definitions[at].tie) tie_weight(definitions[at], index, parameters);
  }
  check_ties(definitions, order, parameters);
}

std::vector<bool> gradients_needed(const std::vector<Layer>& layers) {
  std::vector<bool> needed(layers.size(), false);
  for (std::size_t i = 0; i < layers.size(); ++i) {
    needed[i] = std::ranges::any_of(layers[i].inputs, [&](LayerId input) {
      const auto& from = layers[index_of(input)];
      return from.output.type == ElementType::float32 && (!from.parameters.empty() || needed[index_of(input)]);
    });
  }
  return needed;
}

std::vector<bool> allowed_cuts(const std::vector<Layer>& layers) {
  std::vector<bool> allowed(layers.size(), false);
  std::uint32_t last_source_reader = 0;
  for (std::uint32_t cut = 1; cut < layers.size(); ++cut) {
    const auto& before = layers[cut - 1];
    if (before.kind->inputs == 0) last_source_reader = std::max(last_source_reader, index_of(before.readers.back()));
    allowed[cut] = last_source_reader < cut;
  }
  return allowed;
}

}  // namespace

Model::Model(std::string name, const std::vector<LayerDefinition>& definitions) : name_(std::move(name)) {
  if (name_.empty() || name_.size() > kLongestModelName) throw InputError("not a model name", name_, "1 to 200 bytes");
  auto resolved = resolve(definitions);
  const auto order = topological_order(definitions, resolved);
  layers_ = arrange(definitions, resolved, order);
  link_readers(layers_);
  for (std::size_t i = 0; i < layers_.size(); ++i) infer(layers_, i, definitions[order[i]], parameters_);
  tie_all(definitions, order, parameters_);
  needs_gradient_ = gradients_needed(layers_);
  may_cut_ = allowed_cuts(layers_);
  invariant(layers_.back().kind->is_loss, "every layer leads to the loss");
  parameter_count();  // refuses what cannot be counted
}

}  // namespace tandem
