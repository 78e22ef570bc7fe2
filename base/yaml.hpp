#pragma once
// A strict YAML reader that keeps the position of every node: plain maps, lists and scalars, one document.
//
// Refused, with the place: anything but UTF-8, NUL bytes, tabs as indentation, anchors, aliases, merge keys, tags, a
// second document, duplicate keys, nesting beyond 32, more than 1 MB of text or 100,000 nodes. A UTF-8 BOM is accepted.

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "base/units.hpp"

namespace tandem {

class YamlNode {
 public:
  enum class Kind { null, scalar, list, map };
  using Entry = std::pair<YamlNode, YamlNode>;

  Kind kind() const { return kind_; }
  const TextPosition& position() const { return position_; }

  /// The value of `key`, or nullptr. Throws InputError when this node is no map.
  const YamlNode* find(std::string_view key) const;
  /// The value of `key`. Throws InputError at this node when it is missing.
  const YamlNode& at(std::string_view key) const;
  const std::vector<Entry>& entries() const;  ///< of a map, in file order
  const std::vector<YamlNode>& items() const;  ///< of a list
  /// Throws InputError at the first key that is not among `allowed`, with a "did you mean".
  void only_keys(std::initializer_list<std::string_view> allowed) const;

  const std::string& text() const;  ///< of a scalar
  bool boolean() const;             ///< only `true` and `false`
  std::int64_t integer(std::int64_t low, std::int64_t high) const;
  double number(double low, double high) const;
  /// A number with its unit, above zero; zero too where `zero_allowed`.
  template <class Unit>
  Unit quantity(bool zero_allowed = false) const;

  /// Throws InputError at this node.
  [[noreturn]] void fail(std::string_view problem, std::string_view got = {}, std::string_view want = {}) const;

 private:
  friend class YamlBuilder;
  [[noreturn]] void fail_inside(const QuantityError& error) const;
  const std::string& plain_text(std::string_view want) const;

  Kind kind_ = Kind::null;
  bool quoted_ = false;
  int text_column_ = 0;  ///< of the first byte of text_, 0 where the file spells it another way
  TextPosition position_;
  std::string text_;
  std::vector<YamlNode> items_;
  std::vector<Entry> entries_;
};

/// `name` stands for the file in messages.
YamlNode parse_yaml(std::string_view text, const std::string& name);
/// Reads a regular file. Throws InputError when it cannot be read.
YamlNode read_yaml(const std::string& path);
/// The bytes of a file of at most `limit`. Throws InputError.
std::string read_text(const std::string& path, Bytes limit);

}  // namespace tandem
