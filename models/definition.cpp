#include "models/definition.hpp"

#include <algorithm>
#include <unordered_map>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace tandem {

namespace {

constexpr std::size_t kMostLayers = 100'000;
constexpr std::size_t kLongestName = 200;

using NameIndex = std::unordered_map<std::string_view, std::size_t>;

/// Names become file names and CSV cells, so they are kept plain.
void check_name(const LayerDefinition& definition) {
  const auto plain = [](char c) { return std::isalnum(static_cast<unsigned char>(c)) || c == '.' || c == '_' || c == '-'; };
  const auto& name = definition.name;
  const bool fits = !name.empty() && name.size() <= kLongestName && std::isalnum(static_cast<unsigned char>(name[0]));
  if (!fits || !std::ranges::all_of(name, plain)) {
    refuse(definition, "not a layer name", name, "letters, digits, '.', '_' and '-', starting with a letter or digit");
  }
}

NameIndex index_names(const std::vector<LayerDefinition>& definitions) {
  NameIndex index;
  for (std::size_t i = 0; i < definitions.size(); ++i) {
    check_name(definitions[i]);
    const auto [first, is_new] = index.emplace(definitions[i].name, i);
    if (is_new) continue;
    const auto& earlier = definitions[first->second].position;
    refuse(definitions[i], earlier.line > 0 ? fmt::format("name is used twice, first in line {}", earlier.line)
                                            : std::string("name is used twice"));
  }
  return index;
}

const LayerKind& resolve_kind(const LayerDefinition& definition) {
  if (definition.row != nullptr) return *definition.row;
  try {
    return find_layer_kind(definition.kind);
  } catch (const InputError& error) {
    refuse(definition, problem_of(error));
  }
}

std::size_t find_input(const LayerDefinition& definition, const std::string& name, const NameIndex& names) {
  const auto found = names.find(name);
  if (found != names.end()) return found->second;
  std::vector<std::string> known;
  for (const auto& [candidate, index] : names) known.emplace_back(candidate);
  std::ranges::sort(known);
  refuse(definition, "unknown input" + did_you_mean(name, known), name, "the name of a layer");
}

std::vector<std::size_t> resolve_inputs(const LayerDefinition& definition, std::size_t at, const LayerKind& kind,
                                        const NameIndex& names) {
  std::vector<std::size_t> inputs;
  for (const auto& name : definition.inputs) inputs.push_back(find_input(definition, name, names));
  const bool reads_previous = inputs.empty() && kind.inputs > 0 && at > 0;
  if (reads_previous) inputs.push_back(at - 1);
  if (inputs.size() == kind.inputs) return inputs;
  refuse(definition, fmt::format("{} has the wrong number of inputs", kind.name), fmt::format("{}", inputs.size()),
         fmt::format("{}", kind.inputs));
}

void check_one_loss(const std::vector<LayerDefinition>& definitions, const std::vector<ResolvedLayer>& layers) {
  const auto is_loss = [](const ResolvedLayer& layer) { return layer.kind->is_loss; };
  const auto first = std::ranges::find_if(layers, is_loss);
  if (first == layers.end()) refuse(definitions.back(), "the model has no loss", {}, "one layer whose kind is a loss");
  const auto second = std::find_if(first + 1, layers.end(), is_loss);
  if (second == layers.end()) return;
  const auto index = [&](auto layer) { return static_cast<std::size_t>(layer - layers.begin()); };
  refuse(definitions[index(second)], fmt::format("a second loss beside \"{}\"", definitions[index(first)].name));
}

void check_readers(const std::vector<LayerDefinition>& definitions, const std::vector<ResolvedLayer>& layers) {
  std::vector<bool> is_read(layers.size(), false);
  for (std::size_t i = 0; i < layers.size(); ++i) {
    for (const auto input : layers[i].inputs) {
      if (layers[input].kind->is_loss) refuse(definitions[i], "reads the loss, which no layer may");
      is_read[input] = true;
    }
  }
  for (std::size_t i = 0; i < layers.size(); ++i) {
    if (!is_read[i] && !layers[i].kind->is_loss) refuse(definitions[i], "no layer reads its output");
  }
}

}  // namespace

void refuse(const LayerDefinition& definition, std::string_view problem, std::string_view got, std::string_view want) {
  throw InputError(definition.position, fmt::format("layer \"{}\": {}", definition.name, problem), got, want);
}

std::string_view problem_of(const InputError& error) {
  constexpr std::string_view kPrefix = "error: ";
  const std::string_view text = error.what();
  return text.starts_with(kPrefix) ? text.substr(kPrefix.size()) : text;
}

std::vector<ResolvedLayer> resolve(const std::vector<LayerDefinition>& definitions) {
  if (definitions.empty()) throw InputError("the model has no layers");
  if (definitions.size() > kMostLayers) {
    throw InputError("the model has too many layers", fmt::format("{}", definitions.size()), "at most 100000");
  }
  const auto names = index_names(definitions);
  std::vector<ResolvedLayer> layers;
  for (const auto& definition : definitions) {
    const auto& kind = resolve_kind(definition);
    layers.push_back({&kind, resolve_attributes(definition, kind), resolve_inputs(definition, layers.size(), kind, names)});
  }
  check_one_loss(definitions, layers);
  check_readers(definitions, layers);
  return layers;
}

}  // namespace tandem
