#include "plan/layouts.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>

#include "base/error.hpp"
#include "plan/convolutions.hpp"
#include "plan/take_apart.hpp"

namespace tandem {
namespace {

using Form = AxisLayout::Form;

bool is_split(const AxisLayout& layout) { return layout.form == Form::split; }

LayoutRule replicated_rule(const Layer& layer) {
  return {.name = "replicated",
          .inputs = std::vector(layer.inputs.size(), kReplicated),
          .output = kReplicated,
          .parameters = std::vector(layer.parameters.size(), kReplicated)};
}

/// Every layer works on its own samples; what has no samples (statistics) is each replica's own as well.
LayoutRule samples_rule(const Layer& layer) {
  return {.name = "samples",
          .inputs = std::vector(layer.inputs.size(), split(kSamples)),
          .output = layer.kind->is_loss ? kPartial : split(kSamples),
          .parameters = std::vector(layer.parameters.size(), kReplicated),
          .local_sizes = {},
          .window = {},
          .approximate = layer.kind->mixes_samples};
}

std::vector<LayoutRule> rules_of(const Model& model, LayerId id) {
  const Layer& layer = model.layer(id);
  if (layer.kind->rules == nullptr) return {};
  return layer.kind->rules(layer.attributes, model.input_specs(id), layer.output);
}

LayoutRule find_rule(const Layer& layer, const std::vector<LayoutRule>& rules, const std::string& name) {
  if (name == "replicated") return replicated_rule(layer);
  std::vector<std::string> known{"replicated"};
  for (const LayoutRule& rule : rules) {
    if (rule.name == name) return rule;
    known.emplace_back(rule.name);
  }
  throw InputError(fmt::format("layouts: layer {} ({}) has no such rule{}", layer.name, layer.kind->name,
                               did_you_mean(name, known)),
                   name, fmt::format("one of {}", fmt::join(known, ", ")));
}

/// Is it data, sums or parts of them that this rule starts from nothing divided?
bool begins_split(const LayoutRule& rule) {
  return !repeats_work(rule) && std::none_of(rule.inputs.begin(), rule.inputs.end(), is_split);
}

bool splits_parameters(const LayoutRule& rule) {
  return std::any_of(rule.parameters.begin(), rule.parameters.end(), is_split);
}

void take_blocks(LayoutRule& rule, std::uint8_t blocks) {
  rule.output.blocks = blocks;
  for (AxisLayout& parameter : rule.parameters)
    if (is_split(parameter)) parameter.blocks = blocks;
}

/// Where a reader wants the output's split in several blocks (q, k and v side by side), it is split so at once.
void match_blocks(const Model& model, LayerId id, LayoutRule& rule) {
  if (!is_split(rule.output) || !splits_parameters(rule)) return;
  for (const LayerId reader : model.layer(id).readers)
    for (const LayoutRule& next : rules_of(model, reader))
      for (std::size_t i = 0; i < next.inputs.size(); ++i)
        if (model.layer(reader).inputs[i] == id && is_split(next.inputs[i]) && next.inputs[i].blocks > 1 &&
            next.inputs[i].dimension == rule.output.dimension)
          take_blocks(rule, next.inputs[i].blocks);
}

/// Chooses the rules of one axis, layer after layer.
class AxisChooser {
 public:
  AxisChooser(const Plan& plan, const Model& model, MeshAxis axis, std::vector<AxisRules>& rules)
      : plan_(plan), model_(model), axis_(axis), rules_(rules) {}

  void run() {
    for (std::uint32_t i = 0; i < model_.layer_count(); ++i)
      rules_[i][static_cast<std::size_t>(axis_)] = rule(static_cast<LayerId>(i));
  }

  LayoutRule rule(LayerId id) const {
    LayoutRule rule = choose(id);
    match_blocks(model_, id, rule);
    return rule;
  }

 private:
  const AxisLayout& output_of(LayerId id) const { return rules_[index_of(id)][static_cast<std::size_t>(axis_)].output; }

  /// Do the inputs lie as the rule wants them? Where one of them goes on divided, statistics beside it are gathered.
  bool suits(LayerId id, const LayoutRule& rule) const {
    const auto& inputs = model_.layer(id).inputs;
    const bool goes_on = std::any_of(rule.inputs.begin(), rule.inputs.end(), is_split);
    for (std::size_t i = 0; i < inputs.size(); ++i)
      if (output_of(inputs[i]) != rule.inputs[i] && !(goes_on && rule.inputs[i] == kReplicated)) return false;
    return true;
  }

  LayoutRule choose(LayerId id) const {
    if (axis_ == MeshAxis::data) return on_data(id);
    return axis_ == MeshAxis::tensor ? on_tensor(id) : on_space(id);
  }

  LayoutRule on_data(LayerId id) const {
    for (LayoutRule& rule : rules_of(model_, id))
      if (rule.name == "samples" && plan_.synchronised_batch_norm) return rule;
    return samples_rule(model_.layer(id));
  }

  /// Sources of images begin the split; where it ends, the plan says what the rest does, and other sources with it.
  LayoutRule on_space(LayerId id) const {
    const Layer& layer = model_.layer(id);
    const std::vector<LayoutRule> rules = rules_of(model_, id);
    for (const LayoutRule& rule : rules)
      if (layer.inputs.empty() ? rule.name == name_of(axis_) : suits(id, rule) && !begins_split(rule)) return rule;
    if (plan_.after_space == AfterSpace::samples) return samples_rule(layer);
    return plan_.after_space == AfterSpace::tensor && past_images(id) ? on_tensor(id) : replicated_rule(layer);
  }

  bool is_image_source(LayerId id) const {
    return model_.layer(id).inputs.empty() && model_.layer(id).output.dims.size() == 3;
  }

  /// Is nothing that it reads an image?
  bool past_images(LayerId id) const {
    const auto& inputs = model_.layer(id).inputs;
    return !inputs.empty() && std::none_of(inputs.begin(), inputs.end(), [this](LayerId input) {
      return model_.layer(input).output.dims.size() >= 3;
    });
  }

  LayoutRule on_tensor(LayerId id) const {
    const Layer& layer = model_.layer(id);
    const std::vector<LayoutRule> rules = rules_of(model_, id);
    if (const std::string* name = named(layer)) return find_rule(layer, rules, *name);
    if (plan_.tensor_split == TensorSplit::ulysses) return ulysses(layer, rules);
    if (const std::optional<AxisLayout> weight = tied_layout(layer)) return tied_rule(layer, rules, *weight);
    return plan_.tensor_split == TensorSplit::naive ? naive(layer, rules) : megatron(id, rules);
  }

  /// Divides by the input's last dimension, so that a sum is owed at once; not by the few channels of an image.
  LayoutRule naive(const Layer& layer, const std::vector<LayoutRule>& rules) const {
    if (!layer.inputs.empty() && is_image_source(layer.inputs[0])) return replicated_rule(layer);
    for (const LayoutRule& rule : rules)
      if (rule.output == kPartial && splits_parameters(rule) && is_split(rule.inputs.at(0))) return rule;
    return replicated_rule(layer);
  }

  /// Where every position needs all others, by heads; else by positions. Both leave weights whole, tied ones too.
  static LayoutRule ulysses(const Layer& layer, const std::vector<LayoutRule>& rules) {
    for (const std::string_view name : {"heads", "positions"})
      for (const LayoutRule& rule : rules)
        if (rule.name == name) return rule;
    return replicated_rule(layer);
  }

  LayoutRule megatron(LayerId id, const std::vector<LayoutRule>& rules) const {
    const Layer& layer = model_.layer(id);
    if (layer.inputs.empty()) return replicated_rule(layer);
    std::vector<LayoutRule> dividing;
    std::copy_if(rules.begin(), rules.end(), std::back_inserter(dividing), [](const LayoutRule& rule) {
      return splits_parameters(rule) && rule.name != "positions";
    });
    for (const LayoutRule& rule : dividing.empty() ? rules : dividing)
      if (suits(id, rule) && (plan_.sequence_parallel || rule.name != "positions")) return rule;
    if (!dividing.empty() && begins_split(dividing.front())) return dividing.front();
    for (const LayoutRule& rule : rules)
      if (plan_.sequence_parallel && rule.name == "positions") return rule;
    return replicated_rule(layer);
  }

  const std::string* named(const Layer& layer) const {
    const auto at = std::find_if(plan_.layouts.begin(), plan_.layouts.end(),
                                 [&](const auto& entry) { return entry.first == layer.name; });
    return at == plan_.layouts.end() ? nullptr : &at->second;
  }

  /// How the owner of the layer's tied weight lies.
  std::optional<AxisLayout> tied_layout(const Layer& layer) const {
    if (layer.parameters.empty()) return {};
    const auto owner = model_.parameter(layer.parameters[0]).tied_to;
    if (!owner) return {};
    const LayerId home = model_.parameter(*owner).layer;
    if (index_of(home) >= index_of(model_.parameter(layer.parameters[0]).layer)) return {};
    return rules_[index_of(home)][static_cast<std::size_t>(axis_)].parameters.at(0);
  }

  static LayoutRule tied_rule(const Layer& layer, const std::vector<LayoutRule>& rules, const AxisLayout& weight) {
    for (const LayoutRule& rule : rules)
      if (is_split(weight) && rule.parameters.at(0) == weight) return rule;
    return replicated_rule(layer);
  }

  const Plan& plan_;
  const Model& model_;
  MeshAxis axis_;
  std::vector<AxisRules>& rules_;
};

std::vector<AxisRules> choose_rules(const Plan& plan, const Model& model, const Mesh& mesh) {
  std::vector<AxisRules> rules(model.layer_count());
  for (std::uint32_t i = 0; i < rules.size(); ++i)
    for (LayoutRule& rule : rules[i]) rule = replicated_rule(model.layers()[i]);
  for (const MeshAxis axis : {MeshAxis::data, MeshAxis::height, MeshAxis::width, MeshAxis::tensor})
    if (mesh.size(axis) > 1) AxisChooser(plan, model, axis, rules).run();
  return rules;
}

/// Also where no axis of the mesh asks for them.
void require_known_layouts(const Plan& plan, const Model& model) {
  std::vector<std::string> names;
  for (const Layer& layer : model.layers()) names.push_back(layer.name);
  for (const auto& [layer, rule] : plan.layouts) {
    const auto at = std::find(names.begin(), names.end(), layer);
    if (at == names.end())
      throw InputError(fmt::format("layouts: no such layer{}", did_you_mean(layer, names)), layer,
                       "the name of a layer of the model");
    const auto id = static_cast<LayerId>(at - names.begin());
    find_rule(model.layer(id), rules_of(model, id), rule);
  }
}

}  // namespace

std::vector<LayoutRule> tensor_rules(const Model& model, LayerId id) {
  std::vector<LayoutRule> rules{replicated_rule(model.layer(id))};
  for (LayoutRule& rule : rules_of(model, id))
    if (rule.name != "samples" && rule.name != name_of(MeshAxis::height) && rule.name != name_of(MeshAxis::width))
      match_blocks(model, id, rules.emplace_back(std::move(rule)));
  return rules;
}

LayoutRule tensor_rule(const Plan& plan, const Model& model, LayerId id, std::vector<AxisRules>& rules) {
  return AxisChooser(plan, model, MeshAxis::tensor, rules).rule(id);
}

namespace {

/// Ranks over the height or width of images would all repeat the whole work of a model that has none.
void require_images(const Mesh& mesh, const Model& model, const std::vector<AxisRules>& rules) {
  for (const MeshAxis axis : {MeshAxis::height, MeshAxis::width}) {
    const bool divides = std::any_of(rules.begin(), rules.end(), [axis](const AxisRules& row) {
      const LayoutRule& rule = row[static_cast<std::size_t>(axis)];
      return !repeats_work(rule) && rule.name != "samples";
    });
    if (mesh.size(axis) > 1 && !divides)
      throw InputError(fmt::format("{} has no images to divide over their {}", model.name(), name_of(axis)),
                       fmt::format("{} {} ranks", mesh.size(axis), name_of(axis)), "1");
  }
}

/// Every rank would repeat the whole work of a model without positions.
void require_positions(const Plan& plan, const Model& model, const std::vector<AxisRules>& rules) {
  constexpr auto kTensor = static_cast<std::size_t>(MeshAxis::tensor);
  const auto repeats = [](const AxisRules& row) { return repeats_work(row[kTensor]); };
  if (plan.tensor > 1 && plan.tensor_split == TensorSplit::ulysses && std::all_of(rules.begin(), rules.end(), repeats))
    throw InputError(fmt::format("{} has no positions to divide over its tensor ranks", model.name()), "ulysses",
                     "megatron or naive");
}

}  // namespace

LayoutChoice choose_layouts(const Plan& plan, const Model& model) {
  invariant(plan.tensor_split != TensorSplit::best, "the best split is settled before it is used");
  require_known_layouts(plan, model);
  require_known_convolutions(plan, model);
  const Mesh mesh = mesh_of(plan);
  const std::vector<AxisRules> whole_rules = choose_rules(plan, model, mesh);
  require_images(mesh, model, whole_rules);
  require_positions(plan, model, whole_rules);
  std::optional<Model> apart = take_apart(plan, model, mesh, whole_rules);
  if (!apart) return {model, whole_rules};
  std::vector<AxisRules> rules = choose_rules(plan, *apart, mesh);
  return {std::move(*apart), std::move(rules)};
}

std::vector<LayerId> approximate_layers(const LayoutChoice& choice, const Mesh& mesh) {
  std::vector<LayerId> layers;
  for (std::uint32_t i = 0; i < choice.rules.size(); ++i)
    for (std::size_t axis = 1; axis < kMeshAxes; ++axis)
      if (choice.rules[i][axis].approximate && mesh.size(static_cast<MeshAxis>(axis)) > 1) {
        layers.push_back(static_cast<LayerId>(i));
        break;
      }
  return layers;
}

}  // namespace tandem
