#include "models/model_file.hpp"

#include <algorithm>
#include <deque>
#include <map>
#include <unordered_set>

#include <fmt/format.h>

#include "models/layer_entry.hpp"
#include "models/model_text.hpp"

namespace tandem {

namespace {

constexpr std::size_t kMostLayers = 100'000;

/// Where a name is looked up: in the block first, then in those around it.
struct Scope {
  std::string prefix = {};  ///< "h.3."
  const Scope* parent = nullptr;
  std::string block_input = {};  ///< name of the layer before the block; empty: none
};

/// A layer whose names are yet to be found; `inputs` of its definition is empty until then.
struct Draft {
  LayerDefinition definition;
  const Scope* scope;
  const YamlNode* node;
  std::string previous;  ///< name of the layer before it; empty: none
};

class Expander {
 public:
  /// Adds the layers of a list, blocks repeated.
  void expand(const YamlNode& list, const Scope& scope);
  /// The layers added, every name in full.
  std::vector<LayerDefinition> resolved() const;

 private:
  void expand_block(const YamlNode& block, const Scope& scope);
  void add_layer(const YamlNode& node, const Scope& scope, std::string name);
  std::string input_name(const YamlNode& node, const Draft& draft) const;
  std::string tied_name(const YamlNode& node, const Draft& draft) const;
  std::optional<std::string> full_name(const std::string& name, const Scope* scope) const;
  std::string last_name() const { return drafts_.empty() ? "" : drafts_.back().definition.name; }

  std::deque<Scope> scopes_;  ///< a deque, because drafts point to them
  std::vector<Draft> drafts_;
  std::unordered_set<std::string> names_;
};

/// A layer without a name is called after its kind and how many of them stand in the list so far.
std::string local_name(const YamlNode& node, std::map<std::string, int>& unnamed) {
  if (const auto* name = node.find("name")) return name->text();
  const auto& kind = node.at("kind").text();
  return fmt::format("{}_{}", kind, ++unnamed[kind]);
}

void Expander::expand(const YamlNode& list, const Scope& scope) {
  if (list.items().empty()) list.fail("no layers", "", "at least one");
  std::map<std::string, int> unnamed;
  for (const auto& node : list.items()) {
    if (node.find("repeat") != nullptr) {
      expand_block(node, scope);
    } else {
      add_layer(node, scope, scope.prefix + local_name(node, unnamed));
    }
  }
}

void Expander::expand_block(const YamlNode& block, const Scope& scope) {
  block.only_keys({"repeat", "name", "layers"});
  const auto times = block.at("repeat").integer(1, kMostLayers);
  const auto& name = block.at("name").text();
  for (std::int64_t i = 0; i < times; ++i) {
    scopes_.push_back({fmt::format("{}{}.{}.", scope.prefix, name, i), &scope, last_name()});
    expand(block.at("layers"), scopes_.back());
  }
}

void Expander::add_layer(const YamlNode& node, const Scope& scope, std::string name) {
  if (drafts_.size() == kMostLayers) node.fail("too many layers", {}, fmt::format("at most {}", kMostLayers));
  auto previous = last_name();
  names_.insert(name);
  drafts_.push_back({read_layer(node, std::move(name)), &scope, &node, std::move(previous)});
}

std::optional<std::string> Expander::full_name(const std::string& name, const Scope* scope) const {
  for (; scope != nullptr; scope = scope->parent) {
    auto candidate = scope->prefix + name;
    if (names_.contains(candidate)) return candidate;
  }
  return {};
}

std::string Expander::input_name(const YamlNode& node, const Draft& draft) const {
  const auto& name = node.text();
  const bool is_previous = name == "previous", is_block_input = name == "block_input";
  const auto& before = is_block_input ? draft.scope->block_input : draft.previous;
  if ((is_previous || is_block_input) && before.empty()) node.fail("there is no layer before", name);
  if (is_previous || is_block_input) return before;
  if (const auto full = full_name(name, draft.scope)) return *full;
  std::vector<std::string> known(names_.begin(), names_.end());
  std::ranges::sort(known);
  node.fail("unknown input" + did_you_mean(name, known), name, "a layer of this block or around it, previous, block_input");
}

std::string Expander::tied_name(const YamlNode& node, const Draft& draft) const {
  const auto& name = node.text();
  const auto dot = name.rfind('.');
  if (dot == std::string::npos) node.fail("not the name of a parameter", name, "one such as wte.weight");
  const auto layer = full_name(name.substr(0, dot), draft.scope);
  return layer ? *layer + name.substr(dot) : name;
}

std::vector<LayerDefinition> Expander::resolved() const {
  std::vector<LayerDefinition> definitions;
  for (const auto& draft : drafts_) {
    definitions.push_back(draft.definition);
    if (const auto* inputs = draft.node->find("inputs")) {
      for (const auto& input : inputs->items()) definitions.back().inputs.push_back(input_name(input, draft));
    }
    if (const auto* tie = draft.node->find("tie")) definitions.back().tie = tied_name(*tie, draft);
  }
  return definitions;
}

}  // namespace

Model read_model_file(const YamlNode& file, DropoutUse dropout) {
  file.only_keys({"model", "layers"});
  const auto& name = file.at("model").text();
  const Scope outermost;
  Expander expander;
  expander.expand(file.at("layers"), outermost);
  std::vector<LayerDefinition> layers = expander.resolved();
  use_dropout(layers, dropout);
  return Model(name, layers);
}

}  // namespace tandem
