// How the tensors of a plan lie on its mesh: axis by axis, layer by layer, with what is converted where.

#include <fmt/format.h>

#include <map>
#include <nlohmann/json.hpp>
#include <ostream>

#include "plan/shard.hpp"
#include "tools/asked_job.hpp"
#include "tools/host.hpp"
#include "tools/output.hpp"
#include "tools/show.hpp"
#include "tools/wrapped.hpp"

namespace tandem {
namespace {

using Json = nlohmann::ordered_json;

constexpr MeshAxis kAxes[] = {MeshAxis::data, MeshAxis::height, MeshAxis::width, MeshAxis::tensor};

/// What is shown: the layouts of all ranks, and the conversions and gradients of the stage's first.
struct Shown {
  Plan plan;
  Mesh mesh;
  LayoutChoice choice;
  Sharding sharding;
};

const LayoutRule& rule_of(const Shown& shown, std::size_t layer, MeshAxis axis) {
  return shown.choice.rules[layer][static_cast<std::size_t>(axis)];
}

/// Gradients that are summands along the same axes: "data", "data x height".
std::map<std::string, Bytes> reductions(const Shown& shown) {
  std::map<std::string, Bytes> bytes;
  for (std::size_t p = 0; p < shown.sharding.local.parameters.size(); ++p) {
    const Parameter& parameter = shown.sharding.local.model.parameters()[p];
    std::string axes;
    for (const MeshAxis axis : kAxes)
      if (shown.sharding.local.parameters[p].partial[static_cast<std::size_t>(axis)])
        axes += fmt::format("{}{}", axes.empty() ? "" : " x ", name_of(axis));
    if (!axes.empty() && !parameter.tied_to) bytes[axes] += parameter.spec.bytes();
  }
  return bytes;
}

/// "512 KiB of fc partial -> replicated: all_reduce".
std::string conversion_text(const ConversionRow& row) {
  const std::string change =
      row.from == row.to ? "" : fmt::format(" {} -> {}", to_text(row.from), to_text(row.to));
  return fmt::format("{} of {}{}: {}", to_text(row.bytes), row.tensor, change, row.collectives);
}

std::string marks(const LayoutRule& rule) {
  std::string text = repeats_work(rule) ? "repeated" : "";
  if (rule.approximate) text += fmt::format("{}approximate", text.empty() ? "" : ", ");
  return text;
}

/// One axis: a line for each layer, and below it what its inputs go through first.
std::string axis_text(const Shown& shown, MeshAxis axis) {
  constexpr std::size_t kNames = 28;
  std::string text = fmt::format("\n{}, {} ranks\n  {:<{}} {:<12} {:<18} {}\n", name_of(axis), shown.mesh.size(axis),
                                 "layer", kNames, "rule", "output", "work");
  for (std::size_t i = 0; i < shown.choice.rules.size(); ++i) {
    const std::string& name = shown.choice.model.layers()[i].name;
    const LayoutRule& rule = rule_of(shown, i, axis);
    const std::string output = to_text(rule.output);
    for (const ConversionRow& row : shown.sharding.conversions)
      if (row.axis == axis && row.reader == name) text += wrapped(conversion_text(row), "    < ", "      ");
    if (name.size() > kNames) text += fmt::format("  {}\n", name);
    std::string line = fmt::format("  {:<{}} {:<12} {:<18} {}", name.size() > kNames ? "" : name, kNames, rule.name,
                                   output, marks(rule));
    while (line.back() == ' ') line.pop_back();
    text += line + '\n';
  }
  return text;
}

std::string as_text(const Shown& shown) {
  std::string text = fmt::format("{}: {} layers, micro-batches of {}\n", shown.choice.model.name(),
                                 shown.choice.rules.size(), shown.plan.micro_batch_size);
  if (!shown.sharding.conversions.empty()) text += "< is a conversion, as rank 0 sees it\n";
  for (const auto& [axes, bytes] : reductions(shown))
    text += fmt::format("gradients: all_reduce over {}, {} a rank and iteration\n", axes, to_text(bytes));
  if (shown.mesh.workers_per_stage() == 1) return text + "nothing is divided: every axis has one rank\n";
  for (const MeshAxis axis : kAxes)
    if (shown.mesh.size(axis) > 1) text += axis_text(shown, axis);
  return text;
}

std::vector<std::string> texts_of(const std::vector<AxisLayout>& layouts) {
  std::vector<std::string> texts;
  for (const AxisLayout& layout : layouts) texts.push_back(to_text(layout));
  return texts;
}

Json layers_json(const Shown& shown) {
  Json layers = Json::array();
  for (std::size_t i = 0; i < shown.choice.rules.size(); ++i) {
    const Layer& layer = shown.choice.model.layers()[i];
    Json axes = Json::object();
    for (const MeshAxis axis : kAxes) {
      if (shown.mesh.size(axis) == 1) continue;
      const LayoutRule& rule = rule_of(shown, i, axis);
      axes[std::string(name_of(axis))] = {{"rule", std::string(rule.name)},
                                          {"inputs", texts_of(rule.inputs)},
                                          {"output", to_text(rule.output)},
                                          {"parameters", texts_of(rule.parameters)},
                                          {"repeated", repeats_work(rule)},
                                          {"approximate", rule.approximate}};
    }
    layers.push_back({{"layer", layer.name}, {"kind", std::string(layer.kind->name)}, {"axes", axes}});
  }
  return layers;
}

Json as_json(const Shown& shown) {
  Json mesh = Json::object(), conversions = Json::array(), gradients = Json::array();
  for (const MeshAxis axis : kAxes) mesh[std::string(name_of(axis))] = shown.mesh.size(axis);
  for (const ConversionRow& row : shown.sharding.conversions)
    conversions.push_back({{"tensor", row.tensor},
                           {"reader", row.reader},
                           {"axis", std::string(name_of(row.axis))},
                           {"from", to_text(row.from)},
                           {"to", to_text(row.to)},
                           {"collectives", row.collectives},
                           {"bytes", row.bytes.count}});
  for (const auto& [axes, bytes] : reductions(shown)) gradients.push_back({{"over", axes}, {"bytes", bytes.count}});
  return {{"model", shown.choice.model.name()},
          {"mesh", mesh},
          {"micro_batch_size", shown.plan.micro_batch_size},
          {"layers", layers_json(shown)},
          {"conversions", conversions},
          {"gradients", gradients}};
}

}  // namespace

void show_layouts(const Arguments& all, Console& console) {
  Arguments arguments = all;
  arguments.drop_first_word();
  Plan plan = asked_plan(arguments, Purpose::predict);
  const Model model = load_planned_model(plan);
  if (plan.tensor_split == TensorSplit::best)
    plan = settle_layouts(plan, model, cluster_for(plan.cluster, console), CostModel());
  const Mesh mesh = mesh_of(plan);
  LayoutChoice choice = choose_layouts(plan, model);
  Sharding sharding = shard(choice, model, mesh, Coordinate{}, plan.micro_batch_size);
  const Shown shown{plan, mesh, std::move(choice), std::move(sharding)};
  if (arguments.has("json")) return print_json(console, as_json(shown));
  console.out << as_text(shown);
}

}  // namespace tandem
