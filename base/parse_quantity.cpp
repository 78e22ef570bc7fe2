#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "base/dimensions.hpp"
#include "base/error.hpp"
#include "base/number.hpp"

namespace tandem {

namespace {

struct Parsed {
  std::string_view number;
  Prefix prefix;
  std::string want;
};

std::string want_of(const Dimension& dimension) {
  return fmt::format("{} such as {}", dimension.name, dimension.example);
}

bool means_bits(std::string_view unit) {
  const std::string_view prefixes = "kKMGTP";
  if (!unit.empty() && prefixes.find(unit.front()) != std::string_view::npos) unit.remove_prefix(1);
  if (unit.starts_with('i')) unit.remove_prefix(1);
  constexpr std::array spelt{"b", "b/s", "bps", "bit", "bit/s", "bits", "bits/s"};
  return std::find(spelt.begin(), spelt.end(), unit) != spelt.end();
}

bool means_flop_rate(std::string_view unit) { return unit.ends_with("FLOPS") || unit.ends_with("FLOPs"); }

std::vector<std::string> spellings(const Dimension& dimension) {
  std::vector<std::string> all;
  for (const Prefix& prefix : prefixes_of(dimension)) all.push_back(fmt::format("{}{}", prefix.text, dimension.symbol));
  return all;
}

std::string unit_problem(const Dimension& wanted, std::string_view unit) {
  for (const Dimension& other : all_dimensions()) {
    if (match_unit(other, unit).found) return fmt::format("{} is {}, not {}", unit, other.name, wanted.name);
  }
  if (means_bits(unit)) {
    return fmt::format("{} counts bits, which are not accepted: write bytes, with a capital B, as in GB/s", unit);
  }
  if (means_flop_rate(unit)) {
    const bool rate_wanted = wanted.symbol == "FLOP/s";
    return rate_wanted ? fmt::format("a rate is written FLOP/s, not {}", unit)
                       : fmt::format("{} is a compute rate, not {}", unit, wanted.name);
  }
  return fmt::format("unknown unit {}{}", unit, did_you_mean(unit, spellings(wanted)));
}

bool starts_like_unit(char first) { return (first >= 'a' && first <= 'z') || (first >= 'A' && first <= 'Z'); }

Parsed parse(std::string_view text, const Dimension& dimension) {
  const std::string want = want_of(dimension);
  if (text.starts_with('-')) throw QuantityError{0, "a negative quantity", want};
  const std::string_view number = leading_number(text, want);
  const std::size_t unit_begin = text.find_first_not_of(' ', number.size());
  if (unit_begin == std::string_view::npos) throw QuantityError{number.size(), fmt::format("{} what?", number), want};
  const std::string_view rest = text.substr(unit_begin);
  if (!starts_like_unit(rest.front())) throw QuantityError{unit_begin, "unexpected text after the number", want};
  const std::string_view unit = rest.substr(0, rest.find(' '));
  const UnitMatch match = match_unit(dimension, unit);
  if (!match.found) throw QuantityError{unit_begin, unit_problem(dimension, unit), want};
  const std::size_t trailing = rest.find_first_not_of(' ', unit.size());
  if (trailing < rest.size()) throw QuantityError{unit_begin + trailing, "unexpected text after the unit", want};
  return {number, match.prefix, want};
}

double value_of(const Parsed& parsed) {
  const double value = scaled_number(parsed.number, parsed.prefix.decimal_exponent, parsed.want);
  const double scaled = std::ldexp(value, parsed.prefix.binary_exponent);
  if (!std::isfinite(scaled)) throw QuantityError{0, "a number too large for a double", parsed.want};
  return scaled;
}

std::int64_t prefix_factor(const Prefix& prefix) {
  std::int64_t factor = std::int64_t{1} << prefix.binary_exponent;
  for (int power = 0; power < prefix.decimal_exponent; ++power) factor *= 10;
  return factor;
}

[[noreturn]] void refuse_size(const Parsed& parsed) {
  throw QuantityError{0, "more bytes than 64 bits count", parsed.want};
}

Bytes whole_bytes(const Parsed& parsed) {
  std::int64_t count = 0;
  const char* const end = parsed.number.data() + parsed.number.size();
  const auto [last, error] = std::from_chars(parsed.number.data(), end, count);
  if (error == std::errc::result_out_of_range) refuse_size(parsed);
  invariant(last == end, "a number of digits alone reads as a whole");
  if (__builtin_mul_overflow(count, prefix_factor(parsed.prefix), &count)) refuse_size(parsed);
  return {count};
}

Bytes rounded_bytes(const Parsed& parsed) {
  const double exact_bytes = value_of(parsed);
  if (exact_bytes >= 0x1p63) refuse_size(parsed);
  const Bytes rounded{std::llround(exact_bytes)};
  if (rounded.count == 0 && exact_bytes > 0) throw QuantityError{0, "less than one byte", parsed.want};
  return rounded;
}

}  // namespace

template <class Unit>
Unit parse_quantity(std::string_view text) {
  return {value_of(parse(text, dimension_of<Unit>()))};
}

template <>
Bytes parse_quantity<Bytes>(std::string_view text) {
  const Parsed parsed = parse(text, dimension_of<Bytes>());
  const bool whole = parsed.number.find_first_not_of("0123456789") == std::string_view::npos;
  return whole ? whole_bytes(parsed) : rounded_bytes(parsed);
}

template Seconds parse_quantity<Seconds>(std::string_view);
template BytesPerSecond parse_quantity<BytesPerSecond>(std::string_view);
template FlopsPerSecond parse_quantity<FlopsPerSecond>(std::string_view);
template Watts parse_quantity<Watts>(std::string_view);
template Joules parse_quantity<Joules>(std::string_view);
template Hertz parse_quantity<Hertz>(std::string_view);

}  // namespace tandem
