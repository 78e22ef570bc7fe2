#include "plan/offload.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "models/layers/convolution_algorithm.hpp"
#include "plan/conversions.hpp"

namespace tandem {
namespace {

constexpr std::string_view kNames[] = {"none", "all", "convolutions", "dynamic", "stage", "layers"};
constexpr std::string_view kWant = "none, all, convolutions, dynamic, stage or layers:NAME,NAME";

std::vector<std::string> names_in(std::string_view text) {
  std::vector<std::string> names;
  for (;;) {
    const std::size_t comma = text.find(',');
    names.emplace_back(text.substr(0, comma));
    if (comma == std::string_view::npos) return names;
    text.remove_prefix(comma + 1);
  }
}

/// The layer in whose place the output of an exchange lies.
LayerId home_of(const Model& model, LayerId tensor) {
  while (is_exchange(*model.layer(tensor).kind)) tensor = model.layer(tensor).inputs[0];
  return tensor;
}

/// By layer: does the convolutions' backward read its output?
std::vector<bool> read_by_convolutions(const Model& model, std::size_t first, std::size_t last) {
  std::vector<bool> read(model.layer_count(), false);
  for (std::size_t i = first; i < last; ++i) {
    const Layer& layer = model.layer(static_cast<LayerId>(i));
    if (!is_convolution(*layer.kind)) continue;
    for (std::size_t input = 0; input < layer.inputs.size(); ++input)
      if (layer.kept.inputs[input]) read[index_of(home_of(model, layer.inputs[input]))] = true;
  }
  return read;
}

std::vector<bool> named(const Model& model, const std::vector<std::string>& names) {
  std::vector<bool> wanted(model.layer_count(), false);
  std::vector<std::string> known;
  for (const Layer& layer : model.layers()) known.push_back(layer.name);
  for (const std::string& name : names) {
    const auto at = std::find(known.begin(), known.end(), name);
    if (at == known.end())
      throw InputError("offload: the model has no such layer" + did_you_mean(name, known), name,
                       "a layer of the model");
    wanted[static_cast<std::size_t>(at - known.begin())] = true;
  }
  return wanted;
}

/// Each chosen layer by itself; what comes from before as soon as one of it is chosen.
OffloadUnits units_of(const Model& model, const std::vector<bool>& chosen, std::size_t first, std::size_t last) {
  OffloadUnits units;
  for (std::size_t i = first; i < last; ++i)
    if (chosen[i]) units.ranges.emplace_back(i, i + 1);
  if (first > 0)
    for (const LayerId tensor : model.crossing(first))
      units.inbox = units.inbox || chosen[index_of(home_of(model, tensor))];
  return units;
}

}  // namespace

Offload parse_offload(std::string_view text) {
  const std::size_t colon = text.find(':');
  const std::string_view name = text.substr(0, colon);
  const auto* at = std::find(std::begin(kNames), std::end(kNames), name);
  if (at == std::end(kNames))
    throw QuantityError{0, "no such way to offload" + did_you_mean(name, {std::begin(kNames), std::end(kNames)}),
                        std::string(kWant)};
  Offload policy{static_cast<Offload::Kind>(at - std::begin(kNames)), {}};
  const bool lists = policy.kind == Offload::Kind::layers;
  if (lists != (colon != std::string_view::npos) || (lists && colon + 1 == text.size()))
    throw QuantityError{name.size(), lists ? "names are missing" : "takes no names", std::string(kWant)};
  if (lists) policy.names = names_in(text.substr(colon + 1));
  return policy;
}

OffloadUnits offload_units(const Offload& policy, const LocalModel& local, std::size_t first, std::size_t last) {
  const Model& model = local.model;
  switch (policy.kind) {
    case Offload::Kind::none: return {};
    case Offload::Kind::all: return units_of(model, std::vector<bool>(model.layer_count(), true), first, last);
    case Offload::Kind::convolutions: return units_of(model, read_by_convolutions(model, first, last), first, last);
    case Offload::Kind::layers: return units_of(model, named(model, policy.names), first, last);
    case Offload::Kind::stage: return {{{first, last}}, first > 0};
    case Offload::Kind::dynamic: break;
  }
  throw InputError("offload: dynamic is a search, and not done here", "dynamic",
                   "a policy that says what is offloaded");
}

}  // namespace tandem
