#pragma once
// What the readers and writers of profile files share: ranges, names, sources and tables of points.

#include <fmt/format.h>

#include <string>
#include <string_view>

#include "base/units.hpp"
#include "base/yaml.hpp"

namespace tandem {

/// What a profile may claim at most; beyond it a number is a slip of the pen, and durations would leave the clock.
inline constexpr BytesPerSecond kSlowestTransfer{1}, kFastestTransfer{1e18};
inline constexpr FlopsPerSecond kSlowestArithmetic{1}, kFastestArithmetic{1e21};
inline constexpr Seconds kLongestTime{3600};
inline constexpr Hertz kFastestClock{1e12};
inline constexpr Watts kMostPower{1e9};

/// A quantity above zero, or zero where allowed, and within [low, high]. Throws InputError at the node.
template <class Unit>
Unit quantity_within(const YamlNode& node, Unit low, Unit high, bool zero_allowed = false) {
  const Unit value = node.quantity<Unit>(zero_allowed);
  if ((value < low && !(zero_allowed && value == Unit{})) || value > high)
    node.fail("quantity out of range", node.text(), fmt::format("{} to {}", to_text(low), to_text(high)));
  return value;
}

BytesPerSecond read_transfer_rate(const YamlNode& node);
FlopsPerSecond read_arithmetic_rate(const YamlNode& node);
Seconds read_time(const YamlNode& node);  ///< zero allowed

/// A name that can stand in a file name and on a command line: letters, digits, '.', '_' and '-'.
std::string read_name(const YamlNode& node);
/// The section's `source:`, which may not be missing or blank.
std::string read_source(const YamlNode& section);

/// The rows under `points:` or `rows:`, each a list of `columns` cells; `want` describes one. At least one row.
const std::vector<YamlNode>& read_rows(const YamlNode& section, std::string_view key, std::size_t columns,
                                       std::string_view want);

/// The text as a double-quoted YAML scalar.
std::string quoted(std::string_view text);

}  // namespace tandem
