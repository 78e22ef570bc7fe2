#include "base/yaml_source.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/utf8.hpp"

namespace tandem {

namespace {

constexpr std::string_view kUtf8Mark = "\xEF\xBB\xBF";

bool starts_like_utf16(std::string_view text) { return text.starts_with("\xFF\xFE") || text.starts_with("\xFE\xFF"); }

/// What the byte at the start of `rest` must not be, or "" when it is fine.
std::string byte_problem(std::string_view rest) {
  const auto byte = static_cast<unsigned char>(rest.front());
  const bool is_space = byte == '\n' || byte == '\r' || byte == '\t';
  if (utf8_length(rest) == 0) return fmt::format("byte 0x{:02X} is no UTF-8", byte);
  if (byte == 0) return "a NUL byte in a text file";
  if ((byte < 0x20 && !is_space) || byte == 0x7F) return fmt::format("control character 0x{:02X} in a text file", byte);
  return "";
}

void check_line(std::string_view line, TextPosition where) {
  if (line.starts_with('%')) throw InputError(where, "directives are not supported", line);
  const std::size_t indentation_end = std::min(line.find_first_not_of(" \t"), line.size());
  const std::size_t tab = line.substr(0, indentation_end).find('\t');
  for (std::size_t offset = 0; offset < line.size(); offset += utf8_length(line.substr(offset))) {
    where.column = static_cast<int>(offset) + 1;
    const std::string problem = byte_problem(line.substr(offset));
    if (!problem.empty()) throw InputError(where, problem, {}, "UTF-8 text");
    if (offset == tab) throw InputError(where, "a tab indents this line", {}, "spaces");
  }
}

}  // namespace

std::string_view checked_yaml_source(std::string_view text, const std::string& name) {
  if (text.size() > kYamlBytesMax) {
    const std::string got = fmt::format("{} bytes", text.size());
    throw InputError({name}, "the file is too large", got, fmt::format("at most {} bytes", kYamlBytesMax));
  }
  if (starts_like_utf16(text)) throw InputError({name, 1, 1}, "UTF-8 only, and this is UTF-16", {}, "UTF-8 text");
  if (text.starts_with(kUtf8Mark)) text.remove_prefix(kUtf8Mark.size());
  TextPosition where{name, 1, 1};
  for (std::size_t begin = 0; begin < text.size(); ++where.line) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    check_line(text.substr(begin, end - begin), where);
    begin = end + 1;
  }
  return text;
}

}  // namespace tandem
