#include "plan/best_layouts.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "plan/layout_search.hpp"
#include "plan/take_apart.hpp"

namespace tandem {
namespace {

using Bond = LayoutProblem::Bond;

std::optional<LayerId> find_layer(const Model& model, const std::string& name) {
  const auto layers = model.layers();
  const auto at = std::find_if(layers.begin(), layers.end(), [&](const Layer& layer) { return layer.name == name; });
  if (at == layers.end()) return {};
  return static_cast<LayerId>(at - layers.begin());
}

bool has_same(const Model& model, const Layer& layer) {
  const auto other = find_layer(model, layer.name);
  return other && model.layer(*other).kind == layer.kind;
}

LayoutProblem problem_of(Model model, const Plan& plan, const Model& whole) {
  LayoutProblem problem{std::move(model), {}, {}};
  for (const Layer& layer : problem.model.layers()) {
    problem.bonds.push_back(has_same(whole, layer) ? Bond::none : Bond::follows);
    const auto named = std::find_if(plan.layouts.begin(), plan.layouts.end(),
                                    [&](const auto& entry) { return entry.first == layer.name; });
    problem.pinned.push_back(named == plan.layouts.end() ? std::nullopt : std::optional(named->second));
  }
  return problem;
}

/// Where the loss may be computed from divided scores, that is another graph: one problem each.
std::vector<LayoutProblem> problems_of(const Plan& plan, const Model& whole) {
  Plan others = plan;
  others.tensor = 1;  // so that the choice is that of the other axes
  others.layouts.clear();
  LayoutChoice choice = choose_layouts(others, whole);
  for (const Layer& layer : choice.model.layers())
    if (layer.kind->is_loss)
      for (const LayerId input : layer.inputs)
        choice.rules[index_of(input)][static_cast<std::size_t>(MeshAxis::tensor)].output =
            split(static_cast<std::int8_t>(choice.model.layer(input).output.dims.size() - 1));
  std::vector<LayoutProblem> problems;
  problems.push_back(problem_of(choice.model, plan, whole));
  const auto apart = take_apart(plan, choice.model, mesh_of(plan), choice.rules);
  if (!apart) return problems;
  for (std::uint32_t i = 0; i < choice.model.layer_count(); ++i)
    if (!has_same(*apart, choice.model.layers()[i])) problems[0].bonds[i] = Bond::whole_rows;
  problems.push_back(problem_of(*apart, plan, whole));
  for (std::uint32_t i = 0; i < apart->layer_count(); ++i)
    if (!has_same(choice.model, apart->layers()[i])) problems[1].bonds[i] = Bond::divided;
  return problems;
}

/// Without the names that say what the layer would take anyway.
Plan without_defaults(const Plan& plan, const Model& model) {
  Plan shorter = plan;
  shorter.layouts.clear();
  LayoutChoice choice = choose_layouts(plan, model);
  for (const auto& [name, rule] : plan.layouts) {
    const auto id = find_layer(choice.model, name);
    if (!id || tensor_rule(shorter, choice.model, *id, choice.rules).name != rule)
      shorter.layouts.emplace_back(name, rule);
  }
  const LayoutChoice again = choose_layouts(shorter, model);
  for (std::size_t i = 0; i < choice.rules.size(); ++i)
    for (std::size_t axis = 0; axis < kMeshAxes; ++axis)
      if (again.rules.size() != choice.rules.size() || again.rules[i][axis].name != choice.rules[i][axis].name)
        return plan;
  return shorter;
}

std::optional<LayoutAnswer> search(const Plan& plan, const Model& model, LayoutCost& cost, std::size_t most_states,
                                   Plan& found) {
  std::optional<LayoutAnswer> best;
  bool kept_all = true;
  for (const LayoutProblem& problem : problems_of(plan, model)) {
    auto answer = cheapest_layouts(problem, cost, most_states);
    if (!answer) continue;
    kept_all &= answer->kept_all;
    if (best && best->cost <= answer->cost) continue;
    best = std::move(answer);
    found = plan;
    for (std::uint32_t i = 0; i < problem.model.layer_count(); ++i)
      if ((problem.bonds[i] == Bond::none || problem.bonds[i] == Bond::whole_rows) && !problem.pinned[i])
        found.layouts.emplace_back(problem.model.layers()[i].name, best->rules[i]);
  }
  if (best) best->kept_all = kept_all;
  return best;
}

bool divides(const LayoutChoice& choice) {
  return std::any_of(choice.rules.begin(), choice.rules.end(), [](const AxisRules& rules) {
    return rules[static_cast<std::size_t>(MeshAxis::tensor)].name != "replicated";
  });
}

}  // namespace

BestLayouts best_layouts(const Plan& plan, const Model& model, const TensorGroup& group, const CostModel& costs,
                         std::size_t most_states) {
  invariant(group.device != nullptr && plan.tensor == group.ranks, "the group is that of the tensor axis");
  LayoutCost cost(plan, group, costs);
  const Mesh mesh = mesh_of(plan);
  std::optional<BestLayouts> best;
  std::optional<InputError> refused;
  const auto consider = [&](const Plan& candidate, bool is_exact) {
    try {
      const LayoutChoice choice = choose_layouts(candidate, model);
      if (candidate.layouts.empty() && !divides(choice)) return;  // a split that has nothing to say of this model
      const Sharding part = shard(choice, model, mesh, Coordinate{}, plan.micro_batch_size);
      const Seconds time = cost.of(part);
      if (!best || time < best->cost) best = {candidate, time, false};
      if (is_exact) best->is_exact = true;
    } catch (const InputError& error) {
      if (!refused) refused = error;
    }
  };
  Plan candidate = plan;
  for (const auto& [split, positions] : {std::pair(TensorSplit::megatron, plan.sequence_parallel),
                                         {TensorSplit::megatron, !plan.sequence_parallel},
                                         {TensorSplit::naive, plan.sequence_parallel},
                                         {TensorSplit::ulysses, plan.sequence_parallel}}) {
    candidate.tensor_split = split;
    candidate.sequence_parallel = positions;
    consider(candidate, false);
  }
  Plan found = plan;
  found.tensor_split = TensorSplit::megatron;
  Plan named = found;
  if (const auto answer = search(found, model, cost, most_states, named))
    consider(without_defaults(named, model), answer->kept_all && plan.height * plan.width == 1);
  if (!best) throw *refused;
  return *best;
}

}  // namespace tandem
