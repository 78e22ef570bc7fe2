#include "base/number.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <limits>

#include "base/error.hpp"
#include "base/units.hpp"

namespace tandem {

namespace {

[[noreturn]] void refuse(std::size_t offset, std::string_view problem, std::string_view want) {
  throw QuantityError{offset, std::string(problem), std::string(want)};
}

struct Decimal {
  std::string_view mantissa;
  int exponent = 0;
};

Decimal split_exponent(std::string_view number) {
  const std::size_t mark = number.find_first_of("eE");
  if (mark == std::string_view::npos) return {number, 0};
  std::string_view digits = number.substr(mark + 1);
  if (digits.starts_with('+')) digits.remove_prefix(1);
  Decimal decimal{number.substr(0, mark), 0};
  std::from_chars(digits.data(), digits.data() + digits.size(), decimal.exponent);
  return decimal;
}

/// `digits` with a decimal point before the digit number `point`, filled with zeros where there is none.
std::string plain_digits(std::string_view digits, int point) {
  const int count = static_cast<int>(digits.size());
  if (point <= 0) return fmt::format("0.{:0<{}}{}", "", -point, digits);
  if (point >= count) return fmt::format("{:0<{}}", digits, point);
  const auto whole = static_cast<std::size_t>(point);
  return fmt::format("{}.{}", digits.substr(0, whole), digits.substr(whole));
}

}  // namespace

std::string_view leading_number(std::string_view text, std::string_view want) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error == std::errc::invalid_argument) refuse(0, text.empty() ? "no value" : "not a number", want);
  if (error == std::errc::result_out_of_range) refuse(0, "a number too large or too small for a double", want);
  if (!std::isfinite(value)) refuse(0, "not a finite number", want);
  return text.substr(0, static_cast<std::size_t>(end - text.data()));
}

double scaled_number(std::string_view number, int exponent, std::string_view want) {
  const Decimal decimal = split_exponent(number);
  const std::string text = fmt::format("{}e{}", decimal.mantissa, decimal.exponent + exponent);
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{}) refuse(0, "a number too large or too small for a double", want);
  invariant(end == text.data() + text.size(), "a scaled number reads as a whole");
  if (std::fpclassify(value) == FP_SUBNORMAL) refuse(0, "a number too small for a double", want);
  return value;
}

std::string shortest_digits(double value, int exponent) {
  std::array<char, 32> buffer{};
  const auto [end, error] =
      std::to_chars(buffer.data(), buffer.data() + buffer.size(), std::abs(value), std::chars_format::scientific);
  invariant(error == std::errc{}, "a double fits 32 characters");
  const Decimal decimal = split_exponent({buffer.data(), static_cast<std::size_t>(end - buffer.data())});
  const std::string_view fraction = decimal.mantissa.size() > 2 ? decimal.mantissa.substr(2) : "";
  const std::string digits = fmt::format("{}{}", decimal.mantissa[0], fraction);
  const int point = decimal.exponent - exponent + 1;
  const bool plain = point > -4 && point < 18;
  return fmt::format("{}{}", std::signbit(value) ? "-" : "",
                     plain ? plain_digits(digits, point) : fmt::format("{}e{}", decimal.mantissa, point - 1));
}

double parse_number(std::string_view text) {
  constexpr std::string_view want = "a number";
  const std::string_view number = leading_number(text, want);
  if (number.size() < text.size()) refuse(number.size(), "unexpected text after the number", want);
  return scaled_number(number, 0, want) + 0.0;  // no negative zero
}

std::int64_t parse_integer(std::string_view text, std::int64_t low, std::int64_t high) {
  const bool open = high == std::numeric_limits<std::int64_t>::max();
  const std::string want = open ? fmt::format("a whole number of at least {}", low)
                                : fmt::format("a whole number from {} to {}", low, high);
  const std::size_t sign = text.starts_with('-') ? 1 : 0;
  const std::size_t end = std::min(text.find_first_not_of("0123456789", sign), text.size());
  if (end == sign) refuse(end < text.size() ? end : 0, text.empty() ? "no value" : "not a whole number", want);
  if (end < text.size()) refuse(end, "not a whole number", want);
  if (text[sign] == '0' && text.size() > 1) refuse(0, "a whole number with a leading zero or a signed zero", want);
  std::int64_t value = 0;
  const auto [last, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || value < low || value > high) refuse(0, "out of range", want);
  invariant(last == text.data() + text.size(), "an integer reads as a whole");
  return value;
}

}  // namespace tandem
