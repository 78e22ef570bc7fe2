#pragma once
// A strict JSON reader that keeps the position of every value: for configuration files, not for large data.
//
// Refused, with the place: what is no JSON (comments, trailing commas, NaN, text after the value), duplicate keys,
// nesting beyond 32, more than 100,000 values.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.hpp"

namespace tandem {

struct JsonValue {
  enum class Kind : std::uint8_t { null, boolean, number, text, list, map };

  Kind kind = Kind::null;
  TextPosition position;
  bool truth = false;
  double number = 0;
  std::optional<std::int64_t> whole;  ///< of a number written without fraction and exponent, within 64 bits
  std::string text;
  std::vector<JsonValue> items;
  std::vector<std::pair<std::string, JsonValue>> entries;  ///< in file order

  /// The value of a map's `key`; nullptr where it is missing or null. Throws InputError when this is no map.
  const JsonValue* find(std::string_view key) const;

  bool boolean() const;
  const std::string& word() const;
  std::int64_t integer(std::int64_t low, std::int64_t high) const;
  double real(double low, double high) const;

  /// As an error message shows it.
  std::string shown() const;
  [[noreturn]] void fail(std::string_view problem, std::string_view got = {}, std::string_view want = {}) const;
};

/// `name` stands for the file in messages.
JsonValue parse_json(std::string_view text, const std::string& name);

}  // namespace tandem
