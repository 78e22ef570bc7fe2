#include "base/error.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "base/utf8.hpp"

namespace tandem {

namespace {

constexpr std::size_t kLongestGot = 60;

bool is_control(std::string_view character) {
  const auto first = static_cast<unsigned char>(character[0]);
  const bool is_c1 = character.size() == 2 && first == 0xC2 && static_cast<unsigned char>(character[1]) < 0xA0;
  return first < 0x20 || first == 0x7F || is_c1;
}

std::string escaped(std::string_view character, bool printable) {
  if (printable) return std::string(character);
  if (character == "\n") return "\\n";
  if (character == "\t") return "\\t";
  std::string text;
  for (const char byte : character) text += fmt::format("\\x{:02x}", static_cast<unsigned char>(byte));
  return text;
}

/// One line that a terminal shows as it is, whatever the input held; cut after `limit` bytes.
std::string on_one_line(std::string_view text, std::size_t limit = std::string_view::npos) {
  std::string line;
  while (!text.empty()) {
    const std::size_t length = utf8_length(text);
    const std::string_view character = text.substr(0, std::max<std::size_t>(length, 1));
    const std::string next = escaped(character, length > 0 && !is_control(character));
    if (line.size() + next.size() > limit) return line + "...";
    line += next;
    text.remove_prefix(character.size());
  }
  return line;
}

std::string place(const TextPosition& where) {
  if (where.file.empty()) return "";
  std::string text = on_one_line(where.file);
  if (where.line > 0) text += fmt::format(":{}", where.line);
  if (where.line > 0 && where.column > 0) text += fmt::format(":{}", where.column);
  return text + ": ";
}

std::string message(const TextPosition& where, std::string_view problem, std::string_view got, std::string_view want) {
  std::string text = place(where) + "error: " + on_one_line(problem);
  if (!got.empty()) text += fmt::format("; got \"{}\"", on_one_line(got, kLongestGot));
  if (!want.empty()) text += fmt::format("{} want {}", got.empty() ? ";" : ",", on_one_line(want));
  return text;
}

}  // namespace

InputError::InputError(const TextPosition& where, std::string_view problem, std::string_view got, std::string_view want)
    : std::runtime_error(message(where, problem, got, want)) {}

InputError::InputError(std::string_view problem, std::string_view got, std::string_view want)
    : InputError(TextPosition{}, problem, got, want) {}

void invariant(bool holds, std::string_view what, std::source_location where) {
  if (holds) return;
  throw InvariantError(fmt::format("{}:{}: {}: {}", where.file_name(), where.line(), where.function_name(), what));
}

}  // namespace tandem
