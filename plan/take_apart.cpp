#include "plan/take_apart.hpp"

#include "plan/convolutions.hpp"

namespace tandem {
namespace {

bool splits(const AxisRules& rules, MeshAxis axis) {
  return rules[static_cast<std::size_t>(axis)].output.form == AxisLayout::Form::split;
}

/// In how many parts does the batch of this layer's statistics lie?
std::int64_t statistics_parts(const Plan& plan, const Mesh& mesh, const AxisRules& input) {
  std::int64_t parts = plan.synchronised_batch_norm ? mesh.size(MeshAxis::data) : 1;
  for (const MeshAxis axis : {MeshAxis::height, MeshAxis::width})
    if (splits(input, axis)) parts *= mesh.size(axis);
  return parts;
}

/// Ranks among which the logits of one row are divided.
std::int64_t vocabulary_parts(const Mesh& mesh, const AxisRules& input, const TensorSpec& logits) {
  std::int64_t parts = 1;
  for (const MeshAxis axis : {MeshAxis::height, MeshAxis::width, MeshAxis::tensor})
    if (splits(input, axis) && input[static_cast<std::size_t>(axis)].output.dimension + 1 == std::ssize(logits.dims))
      parts *= mesh.size(axis);
  return parts;
}

void add_cross_entropy(const LayerDefinition& whole, std::int64_t parts, std::vector<LayerDefinition>& out) {
  const std::string statistics = whole.name + ".statistics";
  out.push_back({.name = statistics,
                 .kind = "vocabulary_statistics",
                 .attributes = {{"parts", static_cast<double>(parts)}},
                 .inputs = whole.inputs});
  out.push_back({.name = whole.name,
                 .kind = "cross_entropy_from_statistics",
                 .inputs = {whole.inputs[0], statistics, whole.inputs[1]}});
}

void add_batch_norm(const LayerDefinition& whole, std::int64_t parts, std::vector<LayerDefinition>& out) {
  const std::string moments = whole.name + ".moments";
  out.push_back({.name = moments,
                 .kind = "batch_moments",
                 .attributes = {{"parts", static_cast<double>(parts)}},
                 .inputs = whole.inputs});
  out.push_back({.name = whole.name,
                 .kind = "batch_norm_merge",
                 .attributes = whole.attributes,
                 .inputs = {whole.inputs[0], moments}});
}

}  // namespace

LayerDefinition definition_of(const Model& model, LayerId id) {
  const Layer& layer = model.layer(id);
  LayerDefinition definition{.name = layer.name, .kind = std::string(layer.kind->name)};
  for (const auto& value : layer.attributes.values) definition.attributes.emplace_back(value.name, value.value);
  for (const LayerId input : layer.inputs) definition.inputs.push_back(model.layer(input).name);
  for (const ParameterId parameter : layer.parameters)
    if (const auto owner = model.parameter(parameter).tied_to) definition.tie = model.parameter(*owner).name;
  return definition;
}

std::optional<Model> take_apart(const Plan& plan, const Model& model, const Mesh& mesh,
                                const std::vector<AxisRules>& rules) {
  std::vector<LayerDefinition> definitions;
  bool changed = false;
  for (std::uint32_t i = 0; i < model.layer_count(); ++i) {
    const auto id = static_cast<LayerId>(i);
    const Layer& layer = model.layer(id);
    LayerDefinition whole = definition_of(model, id);
    const AxisRules* input = layer.inputs.empty() ? nullptr : &rules[index_of(layer.inputs[0])];
    const std::size_t before = definitions.size();
    if (layer.kind->name == "softmax_cross_entropy")
      if (const auto parts = vocabulary_parts(mesh, *input, model.layer(layer.inputs[0]).output); parts > 1)
        add_cross_entropy(whole, parts, definitions);
    if (layer.kind->name == "batch_norm" && statistics_parts(plan, mesh, *input) > 1)
      add_batch_norm(whole, statistics_parts(plan, mesh, *input), definitions);
    if (is_convolution(*layer.kind)) whole.kind = convolution_algorithm(plan, layer).kind;
    changed |= definitions.size() > before || whole.kind != layer.kind->name;
    if (definitions.size() == before) definitions.push_back(std::move(whole));
  }
  if (!changed) return {};
  return Model(model.name(), definitions).stored_as(model.stored());
}

}  // namespace tandem
