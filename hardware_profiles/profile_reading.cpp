#include "hardware_profiles/profile_reading.hpp"

#include <algorithm>

namespace tandem {
namespace {

bool stands_in_a_name(char letter) {
  const bool alphanumeric = (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z') ||
                            (letter >= '0' && letter <= '9');
  return alphanumeric || letter == '.' || letter == '_' || letter == '-';
}

void append_escaped(std::string& out, char letter) {
  const auto code = static_cast<unsigned char>(letter);
  if (letter == '"' || letter == '\\')
    out.append({'\\', letter});
  else if (code < 0x20 || code == 0x7f)
    fmt::format_to(std::back_inserter(out), "\\x{:02x}", code);
  else
    out.push_back(letter);
}

}  // namespace

BytesPerSecond read_transfer_rate(const YamlNode& node) {
  return quantity_within(node, kSlowestTransfer, kFastestTransfer);
}

FlopsPerSecond read_arithmetic_rate(const YamlNode& node) {
  return quantity_within(node, kSlowestArithmetic, kFastestArithmetic);
}

Seconds read_time(const YamlNode& node) { return quantity_within(node, Seconds{1e-12}, kLongestTime, true); }

std::string read_name(const YamlNode& node) {
  const std::string& name = node.text();
  if (name.empty() || !std::all_of(name.begin(), name.end(), stands_in_a_name))
    node.fail("unsuitable name", name, "letters, digits, '.', '_' and '-'");
  return name;
}

std::string read_source(const YamlNode& section) {
  if (!section.find("source")) section.fail("these numbers have no `source:`", "", "where they are from");
  const YamlNode& source = section.at("source");
  const bool blank = source.text().find_first_not_of(" \t\n") == std::string::npos;
  if (blank) source.fail("empty source", "", "where these numbers are from");
  return source.text();
}

const std::vector<YamlNode>& read_rows(const YamlNode& section, std::string_view key, std::size_t columns,
                                       std::string_view want) {
  const YamlNode& table = section.at(key);
  const std::vector<YamlNode>& rows = table.items();
  if (rows.empty()) table.fail("no rows", "[]", want);
  for (const YamlNode& row : rows)
    if (row.items().size() != columns)
      row.fail("wrong number of values in this row", std::to_string(row.items().size()), want);
  return rows;
}

std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (const char letter : text) append_escaped(out, letter);
  return out + "\"";
}

}  // namespace tandem
