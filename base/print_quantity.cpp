#include <fmt/format.h>

#include <cmath>

#include "base/dimensions.hpp"
#include "base/number.hpp"

namespace tandem {

namespace {

double factor_of(const Prefix& prefix) {
  return std::ldexp(std::pow(10.0, prefix.decimal_exponent), prefix.binary_exponent);
}

/// The largest prefix whose unit `value` reaches, or the smallest one.
Prefix suiting_prefix(const std::vector<Prefix>& rising, double value) {
  Prefix best = rising.front();
  for (const Prefix& prefix : rising) {
    if (std::abs(value) >= factor_of(prefix)) best = prefix;
  }
  return best;
}

/// Decimal prefixes, except for bytes, which people compare with memory sizes in powers of two.
std::vector<Prefix> printed_prefixes(const Dimension& dimension, bool binary) {
  std::vector<Prefix> printed;
  for (const Prefix& prefix : prefixes_of(dimension)) {
    const bool is_binary = prefix.binary_exponent > 0;
    if (prefix.text.empty() || is_binary == binary) printed.push_back(prefix);
  }
  return printed;
}

/// Three significant digits, all digits of a larger whole part, no trailing zeros.
std::string three_digits(double value) {
  const double size = std::abs(value);
  if (size >= 1e6 || (size > 0 && size < 1e-3)) return fmt::format("{:.3g}", value);
  std::string text = fmt::format("{:.{}f}", value, size >= 99.95 ? 0 : size >= 9.995 ? 1 : size >= 0.9995 ? 2 : 3);
  if (text.find('.') == std::string::npos) return text;
  text.erase(text.find_last_not_of('0') + 1);
  if (text.back() == '.') text.pop_back();
  return text;
}

std::string for_people(double value, const Dimension& dimension, bool binary) {
  if (value == 0 || !std::isfinite(value)) return fmt::format("{} {}", value, dimension.symbol);
  const std::vector<Prefix> prefixes = printed_prefixes(dimension, binary);
  const double kept = binary ? value : parse_number(fmt::format("{:.2e}", value));
  const Prefix prefix = suiting_prefix(prefixes, kept);
  return fmt::format("{} {}{}", three_digits(value / factor_of(prefix)), prefix.text, dimension.symbol);
}

std::string exact(double value, const Dimension& dimension) {
  if (value == 0) return fmt::format("0 {}", dimension.symbol);
  const Prefix prefix = suiting_prefix(printed_prefixes(dimension, false), value);
  return fmt::format("{} {}{}", shortest_digits(value, prefix.decimal_exponent), prefix.text, dimension.symbol);
}

std::int64_t whole_factor(const Prefix& prefix) { return std::llround(factor_of(prefix)); }

}  // namespace

template <class Unit>
std::string to_text(Unit quantity) {
  return for_people(quantity.value, dimension_of<Unit>(), false);
}

template <>
std::string to_text<Bytes>(Bytes size) {
  return for_people(static_cast<double>(size.count), dimension_of<Bytes>(), true);
}

template <>
std::string to_text<Flops>(Flops work) {
  return for_people(work.real(), dimension_of<Flops>(), false);
}

template <class Unit>
std::string to_exact_text(Unit quantity) {
  return exact(quantity.value, dimension_of<Unit>());
}

template <>
std::string to_exact_text<Bytes>(Bytes size) {
  std::string shortest = fmt::format("{} B", size.count);
  for (const Prefix& prefix : prefixes_of(dimension_of<Bytes>())) {
    const std::int64_t factor = whole_factor(prefix);
    if (size.count == 0 || size.count % factor != 0) continue;
    const std::string text = fmt::format("{} {}B", size.count / factor, prefix.text);
    if (text.size() < shortest.size()) shortest = text;
  }
  return shortest;
}

template std::string to_text(Seconds);
template std::string to_text(BytesPerSecond);
template std::string to_text(FlopsPerSecond);
template std::string to_text(Watts);
template std::string to_text(Joules);
template std::string to_text(Hertz);
template std::string to_exact_text(Seconds);
template std::string to_exact_text(BytesPerSecond);
template std::string to_exact_text(FlopsPerSecond);
template std::string to_exact_text(Watts);
template std::string to_exact_text(Joules);
template std::string to_exact_text(Hertz);

}  // namespace tandem
