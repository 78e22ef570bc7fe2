// What one rank computes of a layer under a rule on the tensor axis.

#include <algorithm>

#include "plan/layout_search.hpp"

namespace tandem {
namespace {

/// Of dimensions under a layout, those of one rank; nothing where they do not divide evenly.
std::optional<std::vector<std::int64_t>> part_of(std::vector<std::int64_t> dims, const AxisLayout& layout,
                                                 std::int64_t ranks) {
  if (layout.form != AxisLayout::Form::split) return dims;
  std::int64_t& length = dims.at(static_cast<std::size_t>(layout.dimension));
  if (length % (layout.blocks * ranks) != 0) return {};
  length /= ranks;
  return dims;
}

struct LayerPart {
  Layer layer;
  std::vector<TensorSpec> inputs;
  Seconds gradient_sums;
};

bool divide_tensors(const LayoutRule& rule, std::int64_t ranks, LayerPart& part) {
  const auto divide = [&](TensorSpec& spec, const AxisLayout& layout) {
    auto dims = part_of(spec.dims, layout, ranks);
    if (dims) spec.dims = std::move(*dims);
    return dims.has_value();
  };
  if (!divide(part.layer.output, rule.output)) return false;
  for (std::size_t i = 0; i < part.inputs.size(); ++i)
    if (!divide(part.inputs[i], rule.inputs[i])) return false;
  return true;
}

bool divide_attributes(const LayoutRule& rule, std::int64_t ranks, Attributes& attributes) {
  for (Attributes::Value& value : attributes.values) {
    if (std::find(rule.local_sizes.begin(), rule.local_sizes.end(), value.name) == rule.local_sizes.end()) continue;
    const auto whole = static_cast<std::int64_t>(value.value);
    if (whole % (rule.output.blocks * ranks) != 0) return false;
    value.value = static_cast<double>(whole / ranks);
  }
  return true;
}

std::optional<LayerPart> part_under(const Model& model, LayerId id, const LayoutRule& rule, LayoutCost& cost) {
  const std::int64_t ranks = cost.ranks();
  LayerPart part{model.layer(id), model.input_specs(id), {}};
  if (!divide_tensors(rule, ranks, part) || !divide_attributes(rule, ranks, part.layer.attributes)) return {};
  for (std::size_t p = 0; p < part.layer.parameters.size(); ++p) {
    const auto dims = part_of(model.parameter(part.layer.parameters[p]).spec.dims, rule.parameters[p], ranks);
    if (!dims) return {};
    if (parameter_gradient_is_partial(rule, p))
      part.gradient_sums += cost.gradient_sum(element_count(*dims), model.stored());
  }
  return part;
}

}  // namespace

std::vector<LayoutCandidate> layout_candidates(const Model& model, LayerId id, LayoutCost& cost) {
  std::vector<LayoutCandidate> candidates;
  for (LayoutRule& rule : tensor_rules(model, id))
    if (const auto part = part_under(model, id, rule, cost))
      candidates.push_back({std::move(rule), cost.work(model, id, part->layer, part->inputs) + part->gradient_sums});
  return candidates;
}

}  // namespace tandem
