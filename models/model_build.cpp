// Builds a Model from definitions: order, shapes, parameters, ties, and what follows from them.

#include <algorithm>

#include "models/definition.hpp"
#include "models/ties.hpp"

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
    layers[i].origins = definitions[order[i]].origins;
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

std::vector<bool> gradients_needed(const std::vector<Layer>& layers) {
  std::vector<bool> needed(layers.size(), false);
  for (std::size_t i = 0; i < layers.size(); ++i) {
    needed[i] = !layers[i].kind->is_constant && std::ranges::any_of(layers[i].inputs, [&](LayerId input) {
      const auto& from = layers[index_of(input)];
      return is_real(from.output.type) && (!from.parameters.empty() || needed[index_of(input)]);
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
