#include "models/shorthand.hpp"

#include <algorithm>
#include <array>

namespace tandem {

namespace {

constexpr std::array<std::string_view, 6> kSides{"height", "width", "top", "bottom", "left", "right"};

/// "kernel" of "kernel_height"; empty where the name ends in no side.
std::string_view word_of(std::string_view name) {
  const auto underscore = name.rfind('_');
  if (underscore == std::string_view::npos) return {};
  const bool is_side = std::ranges::find(kSides, name.substr(underscore + 1)) != kSides.end();
  return is_side ? name.substr(0, underscore) : std::string_view();
}

}  // namespace

std::vector<std::string_view> spelled_out(std::string_view word, const LayerKind& kind) {
  std::vector<std::string_view> names;
  for (const auto& spec : kind.attributes) {
    if (!word.empty() && word_of(spec.name) == word) names.push_back(spec.name);
  }
  return names.size() > 1 ? names : std::vector<std::string_view>();
}

std::vector<std::string> shorthands_of(const LayerKind& kind) {
  std::vector<std::string> words;
  for (const auto& spec : kind.attributes) {
    std::string word(word_of(spec.name));
    if (spelled_out(word, kind).empty() || std::ranges::find(words, word) != words.end()) continue;
    words.push_back(std::move(word));
  }
  return words;
}

}  // namespace tandem
