#pragma once
// Builds YamlNodes from a parser's events, and refuses what the house's YAML has not.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/yaml.hpp"

namespace tandem {

constexpr std::size_t kYamlDepthMax = 32;
constexpr std::size_t kYamlNodesMax = 100'000;

/// Takes the events of one document in order; each function throws InputError at the position of what it refuses.
/// Offsets are bytes of the source, counted from 0.
class YamlBuilder {
 public:
  explicit YamlBuilder(std::string_view source) : source_(source) {}

  void add_null(const TextPosition& where, std::size_t offset);
  void add_scalar(const TextPosition& where, std::size_t offset, const std::string& text, bool quoted);
  void begin_list(const TextPosition& where, std::size_t offset) { begin(YamlNode::Kind::list, where, offset); }
  void begin_map(const TextPosition& where, std::size_t offset) { begin(YamlNode::Kind::map, where, offset); }
  void end_list() { end(); }
  void end_map();

  /// Where the list or map begins that the next event belongs to.
  std::optional<TextPosition> innermost_open() const;

  /// The document, after its last event. Ends the builder's life.
  YamlNode take_root();

 private:
  struct OpenNode {
    YamlNode node;
    YamlNode key;
    bool key_given = false;
  };

  void begin(YamlNode::Kind kind, const TextPosition& where, std::size_t offset);
  void end();
  YamlNode make(YamlNode::Kind kind, const TextPosition& where, std::size_t offset);
  void place(YamlNode node);
  void take_key(OpenNode& map, YamlNode key);

  std::string_view source_;
  std::vector<OpenNode> open_;
  YamlNode root_;
  std::size_t node_count_ = 0;
};

}  // namespace tandem
