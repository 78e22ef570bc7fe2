#include "models/hugging_face/json.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace tandem {

namespace {

using Kind = JsonValue::Kind;

std::string_view name_of(Kind kind) {
  constexpr std::string_view kNames[] = {"null", "true or false", "a number", "a text", "a list", "a map"};
  return kNames[static_cast<std::size_t>(kind)];
}

void expect(const JsonValue& value, Kind kind) {
  if (value.kind != kind) value.fail("wrong kind of value", value.shown(), name_of(kind));
}

}  // namespace

void JsonValue::fail(std::string_view problem, std::string_view got, std::string_view want) const {
  throw InputError(position, problem, got, want);
}

std::string JsonValue::shown() const {
  if (kind == Kind::boolean) return truth ? "true" : "false";
  if (kind == Kind::text) return text;
  if (kind != Kind::number) return std::string(name_of(kind));
  return whole ? fmt::format("{}", *whole) : fmt::format("{}", number);
}

const JsonValue* JsonValue::find(std::string_view key) const {
  expect(*this, Kind::map);
  const auto found = std::ranges::find(entries, key, [](const auto& entry) { return std::string_view(entry.first); });
  return found == entries.end() || found->second.kind == Kind::null ? nullptr : &found->second;
}

bool JsonValue::boolean() const { return expect(*this, Kind::boolean), truth; }

const std::string& JsonValue::word() const { return expect(*this, Kind::text), text; }

std::int64_t JsonValue::integer(std::int64_t low, std::int64_t high) const {
  expect(*this, Kind::number);
  const bool fits = whole && *whole >= low && *whole <= high;
  if (!fits) fail("out of range", shown(), fmt::format("a whole number from {} to {}", low, high));
  return *whole;
}

double JsonValue::real(double low, double high) const {
  expect(*this, Kind::number);
  if (!(number >= low && number <= high)) fail("out of range", shown(), fmt::format("a number from {} to {}", low, high));
  return number;
}

}  // namespace tandem
