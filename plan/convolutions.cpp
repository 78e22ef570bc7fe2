#include "plan/convolutions.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.hpp"

namespace tandem {
namespace {

using Entry = std::pair<std::string, std::string>;

const Entry* entry_of(const Plan& plan, std::string_view layer) {
  const auto at = std::ranges::find(plan.convolutions, layer, &Entry::first);
  return at == plan.convolutions.end() ? nullptr : &*at;
}

std::string read_algorithm(const YamlNode& node) {
  try {
    return std::string(find_convolution_algorithm(node.text()).name);
  } catch (const QuantityError& error) {
    node.fail(error.problem, node.text(), error.want);
  }
}

}  // namespace

void read_convolutions(const YamlNode& root, Plan& plan) {
  if (const YamlNode* node = root.find("convolution_algorithm")) plan.convolution_algorithm = read_algorithm(*node);
  if (const YamlNode* node = root.find("convolutions"))
    for (const auto& [layer, algorithm] : node->entries())
      plan.convolutions.emplace_back(layer.text(), read_algorithm(algorithm));
}

std::vector<std::pair<std::string, std::string>> parse_convolutions(std::string_view text) {
  std::vector<Entry> entries;
  for (std::size_t start = 0; start <= text.size();) {
    const std::size_t comma = std::min(text.find(',', start), text.size());
    const std::string_view entry = text.substr(start, comma - start);
    const std::size_t equals = entry.find('=');
    if (equals == 0 || equals == std::string_view::npos)
      throw QuantityError{start, "no layer and its algorithm", "LAYER=ALGORITHM,LAYER=ALGORITHM"};
    find_convolution_algorithm(entry.substr(equals + 1));
    entries.emplace_back(entry.substr(0, equals), entry.substr(equals + 1));
    start = comma + 1;
  }
  return entries;
}

const ConvolutionAlgorithm& convolution_algorithm(const Plan& plan, const Layer& layer) {
  if (const Entry* entry = entry_of(plan, layer.name)) {
    const ConvolutionAlgorithm& own = find_convolution_algorithm(entry->second);
    if (own.suits(layer.attributes)) return own;
    throw InputError(fmt::format("convolutions: the algorithm does not suit {}: {}", layer.name, own.meaning),
                     entry->second, std::string(convolution_algorithms().front().name));
  }
  if (plan.convolution_algorithm.empty()) return convolution_algorithms().front();
  const ConvolutionAlgorithm& usual = find_convolution_algorithm(plan.convolution_algorithm);
  return usual.suits(layer.attributes) ? usual : convolution_algorithms().front();
}

void require_known_convolutions(const Plan& plan, const Model& model) {
  std::vector<std::string> known;
  for (const Layer& layer : model.layers())
    if (is_convolution(*layer.kind)) known.push_back(layer.name);
  for (const Entry& entry : plan.convolutions) {
    if (std::ranges::find(known, entry.first) == known.end())
      throw InputError("convolutions: the model has no such convolution" + did_you_mean(entry.first, known), entry.first,
                       "the name of a convolution of the model");
    if (entry_of(plan, entry.first) != &entry)
      throw InputError("convolutions: a layer is named twice", entry.first, "one algorithm for each layer");
  }
}

}  // namespace tandem
