#include "base/yaml.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace tandem {

namespace {

using Kind = YamlNode::Kind;

std::string_view kind_name(Kind kind) {
  constexpr std::string_view names[] = {"nothing", "a scalar", "a list", "a map"};
  return names[static_cast<std::size_t>(kind)];
}

void expect(const YamlNode& node, Kind wanted) {
  if (node.kind() == wanted) return;
  const bool has_text = node.kind() == Kind::scalar;
  const std::string got = fmt::format("{}{}", kind_name(node.kind()), has_text ? ": " + node.text() : "");
  node.fail("another kind of value", got, kind_name(wanted));
}

}  // namespace

void YamlNode::fail(std::string_view problem, std::string_view got, std::string_view want) const {
  throw InputError(position_, problem, got, want);
}

const std::vector<YamlNode::Entry>& YamlNode::entries() const { return expect(*this, Kind::map), entries_; }

const std::vector<YamlNode>& YamlNode::items() const { return expect(*this, Kind::list), items_; }

const std::string& YamlNode::text() const { return expect(*this, Kind::scalar), text_; }

const YamlNode* YamlNode::find(std::string_view key) const {
  const auto named = [key](const Entry& entry) { return entry.first.text_ == key; };
  const auto found = std::find_if(entries().begin(), entries().end(), named);
  return found == entries_.end() ? nullptr : &found->second;
}

const YamlNode& YamlNode::at(std::string_view key) const {
  const YamlNode* value = find(key);
  if (value == nullptr) fail(fmt::format("missing key \"{}\"", key));
  return *value;
}

void YamlNode::only_keys(std::initializer_list<std::string_view> allowed) const {
  for (const Entry& entry : entries()) {
    const std::string& key = entry.first.text_;
    if (std::find(allowed.begin(), allowed.end(), key) != allowed.end()) continue;
    const std::vector<std::string> known(allowed.begin(), allowed.end());
    entry.first.fail("unknown key" + did_you_mean(key, known), key, fmt::format("{}", fmt::join(known, ", ")));
  }
}

}  // namespace tandem
