#pragma once
// The table of dimensions: what each is called, its base symbol, and the prefixes that it may carry.

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/units.hpp"

namespace tandem {

struct Prefix {
  std::string_view text;
  int decimal_exponent = 0;
  int binary_exponent = 0;
};

struct Dimension {
  std::string_view name;          ///< as messages call it: "a time"
  std::string_view symbol;        ///< of the base unit: "s"
  std::string_view si_prefixes;   ///< one letter each, in rising order
  bool binary_prefixes = false;   ///< Ki to Ti as well
  std::string_view example;       ///< what a message may ask for
};

std::span<const Dimension> all_dimensions();

/// The prefixes of `dimension` in rising order, "" among them: decimal ones, then binary ones.
std::vector<Prefix> prefixes_of(const Dimension& dimension);

/// The prefix in `unit` when it is a unit of `dimension`: "k" for "kB" among bytes. `found` false otherwise.
struct UnitMatch {
  bool found = false;
  Prefix prefix;
};
UnitMatch match_unit(const Dimension& dimension, std::string_view unit);

/// The row of the table for a unit type.
template <class Unit>
const Dimension& dimension_of();

}  // namespace tandem
