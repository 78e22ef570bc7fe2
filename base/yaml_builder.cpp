#include "base/yaml_builder.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

namespace tandem {

namespace {

using Kind = YamlNode::Kind;

/// The parser resolves these before it reports them; the source still shows them.
void refuse_properties(char first, const TextPosition& where) {
  if (first == '&') throw InputError(where, "anchors are not supported");
  if (first == '*') throw InputError(where, "aliases are not supported");
  if (first == '!') throw InputError(where, "tags are not supported");
}

void refuse_duplicate_keys(const YamlNode& map) {
  const std::vector<YamlNode::Entry>& entries = map.entries();
  std::vector<std::size_t> order(entries.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  const auto key = [&](std::size_t index) -> const std::string& { return entries[index].first.text(); };
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return key(a) < key(b); });
  const auto first = std::adjacent_find(order.begin(), order.end(),
                                        [&](std::size_t a, std::size_t b) { return key(a) == key(b); });
  if (first == order.end()) return;
  const int first_line = entries[*first].first.position().line;
  entries[*(first + 1)].first.fail(fmt::format("duplicate key; the first is on line {}", first_line), key(*first));
}

}  // namespace

YamlNode YamlBuilder::make(Kind kind, const TextPosition& where, std::size_t offset) {
  refuse_properties(offset < source_.size() ? source_[offset] : '\0', where);
  if (++node_count_ > kYamlNodesMax) {
    throw InputError(where, "too many keys and values", {}, fmt::format("at most {} of them", kYamlNodesMax));
  }
  YamlNode node;
  node.kind_ = kind;
  node.position_ = where;
  return node;
}

void YamlBuilder::take_key(OpenNode& map, YamlNode key) {
  if (key.kind_ != Kind::scalar) key.fail("a key that is no text", {}, "a key of one word, as in `key: value`");
  if (!key.quoted_ && key.text_ == "<<") key.fail("merge keys are not supported", key.text_);
  map.key = std::move(key);
  map.key_given = true;
}

void YamlBuilder::place(YamlNode node) {
  if (open_.empty()) {
    root_ = std::move(node);
    return;
  }
  OpenNode& parent = open_.back();
  if (parent.node.kind_ == Kind::list) {
    parent.node.items_.push_back(std::move(node));
  } else if (!parent.key_given) {
    take_key(parent, std::move(node));
  } else {
    parent.node.entries_.emplace_back(std::move(parent.key), std::move(node));
    parent.key_given = false;
  }
}

void YamlBuilder::add_null(const TextPosition& where, std::size_t offset) { place(make(Kind::null, where, offset)); }

void YamlBuilder::add_scalar(const TextPosition& where, std::size_t offset, const std::string& text, bool quoted) {
  YamlNode node = make(Kind::scalar, where, offset);
  const std::size_t begin = offset + (quoted ? 1 : 0);
  const bool verbatim = begin <= source_.size() && source_.substr(begin).starts_with(text);
  node.text_column_ = verbatim ? where.column + (quoted ? 1 : 0) : 0;
  node.quoted_ = quoted;
  node.text_ = text;
  place(std::move(node));
}

void YamlBuilder::begin(Kind kind, const TextPosition& where, std::size_t offset) {
  if (open_.size() == kYamlDepthMax) {
    throw InputError(where, "nested too deeply", {}, fmt::format("at most {} levels", kYamlDepthMax));
  }
  open_.push_back({make(kind, where, offset), {}, false});
}

void YamlBuilder::end() {
  invariant(!open_.empty() && !open_.back().key_given, "a list or map ends once, after its last value");
  YamlNode node = std::move(open_.back().node);
  open_.pop_back();
  place(std::move(node));
}

void YamlBuilder::end_map() {
  invariant(!open_.empty(), "a map ends after it began");
  refuse_duplicate_keys(open_.back().node);
  end();
}

std::optional<TextPosition> YamlBuilder::innermost_open() const {
  if (open_.empty()) return std::nullopt;
  return open_.back().node.position();
}

YamlNode YamlBuilder::take_root() {
  invariant(open_.empty(), "every list and map has ended");
  return std::move(root_);
}

}  // namespace tandem
