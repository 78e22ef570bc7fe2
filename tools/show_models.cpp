#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <ostream>

#include "models/model.hpp"
#include "tools/output.hpp"
#include "tools/plan_options.hpp"
#include "tools/show.hpp"

namespace tandem {
namespace {

using Json = nlohmann::ordered_json;

std::string dims_text(const TensorSpec& spec) { return fmt::format("[{}]", fmt::join(spec.dims, ", ")); }

/// FLOPs as people write them: "1.2 GFLOP".
std::string flops_text(Flops flops) { return flops.count == 0 ? "-" : to_text(flops); }

}  // namespace

void show_models(const Arguments& arguments, Console& console) {
  Json rows = Json::array();
  for (const std::string& name : zoo_names()) {
    const Model model = load_model(name);
    rows.push_back({{"name", name}, {"parameters", model.parameter_count()}, {"layers", model.layer_count()}});
    if (!arguments.has("json"))
      console.out << fmt::format("{:<20} {:>14} parameters  {:>4} layers\n", name, model.parameter_count(),
                                 model.layer_count());
  }
  if (arguments.has("json")) print_json(console, rows);
}

void show_layers(const Arguments& arguments, Console& console) {
  Json rows = Json::array();
  for (const LayerKind& kind : layer_kinds()) {
    Json attributes = Json::array();
    std::string text;
    for (const AttributeSpec& attribute : kind.attributes) {
      attributes.push_back({{"name", std::string(attribute.name)},
                            {"default", attribute.fallback ? Json(*attribute.fallback) : Json()},
                            {"meaning", std::string(attribute.meaning)}});
      text += fmt::format("{}{}{}", text.empty() ? "" : ", ", attribute.name,
                          attribute.fallback ? fmt::format(" = {}", *attribute.fallback) : "");
    }
    rows.push_back({{"kind", std::string(kind.name)},
                    {"inputs", kind.inputs},
                    {"meaning", std::string(kind.meaning)},
                    {"attributes", attributes}});
    if (!arguments.has("json"))
      console.out << fmt::format("{:<22} {}{}\n", kind.name, kind.meaning, text.empty() ? "" : " (" + text + ")");
  }
  if (arguments.has("json")) print_json(console, rows);
}

void show_model(const Arguments& all, Console& console) {
  Arguments arguments = all;
  arguments.drop_first_word();
  const Plan plan = plan_from(arguments, Plan{});
  const Model model = load_model(plan.model, plan.dropout);
  Json rows = Json::array();
  std::string text = fmt::format("{}: {} parameters, {} layers; FLOPs of F, I, W for {} samples\n", model.name(),
                                 model.parameter_count(), model.layer_count(), plan.micro_batch_size);
  for (std::uint32_t i = 0; i < model.layer_count(); ++i) {
    const auto id = static_cast<LayerId>(i);
    const Layer& layer = model.layer(id);
    std::int64_t parameters = 0;
    for (const ParameterId parameter : layer.parameters)
      if (!model.parameter(parameter).tied_to) parameters += model.parameter(parameter).spec.elements();
    std::array<Flops, 3> flops{};
    for (const Pass pass : {Pass::forward, Pass::input_gradient, Pass::weight_gradient})
      flops[static_cast<std::size_t>(pass)] = model.work(id, pass, plan.micro_batch_size).flops();
    Json inputs = Json::array();
    for (const LayerId input : layer.inputs) inputs.push_back(model.layer(input).name);
    rows.push_back({{"name", layer.name},
                    {"kind", std::string(layer.kind->name)},
                    {"inputs", inputs},
                    {"output", layer.output.dims},
                    {"parameters", parameters},
                    {"flops", {flops[0].real(), flops[1].real(), flops[2].real()}}});
    text += fmt::format("{:<20} {:<22} {:<14} {:>10}  {:>12} {:>12} {:>12}\n", layer.name, layer.kind->name,
                        dims_text(layer.output), parameters, flops_text(flops[0]), flops_text(flops[1]),
                        flops_text(flops[2]));
  }
  if (arguments.has("json"))
    print_json(console, {{"name", model.name()}, {"parameters", model.parameter_count()}, {"layers", rows}});
  else
    console.out << text;
}

}  // namespace tandem
