#include <fmt/format.h>

#include "base/yaml.hpp"

namespace tandem {

bool YamlNode::boolean() const {
  const std::string& word = text();
  if (quoted_ || (word != "true" && word != "false")) fail("not a boolean", word, "true or false");
  return word == "true";
}

void YamlNode::fail_inside(const QuantityError& error) const {
  TextPosition where = position_;
  if (text_column_ > 0) where.column = text_column_ + static_cast<int>(error.offset);
  throw InputError(where, error.problem, text_, error.want);
}

const std::string& YamlNode::plain_text(std::string_view want) const {
  if (text(), quoted_) fail("a quoted text where a number is due", text_, want);
  return text_;
}

std::int64_t YamlNode::integer(std::int64_t low, std::int64_t high) const {
  try {
    return parse_integer(plain_text("a whole number"), low, high);
  } catch (const QuantityError& error) {
    fail_inside(error);
  }
}

double YamlNode::number(double low, double high) const {
  double value = 0;
  try {
    value = parse_number(plain_text("a number"));
  } catch (const QuantityError& error) {
    fail_inside(error);
  }
  if (value < low || value > high) fail("out of range", text_, fmt::format("a number from {} to {}", low, high));
  return value;
}

template <class Unit>
Unit YamlNode::quantity(bool zero_allowed) const {
  Unit read;
  try {
    read = parse_quantity<Unit>(text());
  } catch (const QuantityError& error) {
    fail_inside(error);
  }
  if (!zero_allowed && read == Unit{}) fail("zero", text_, "a value above zero");
  return read;
}

template Bytes YamlNode::quantity<Bytes>(bool) const;
template Seconds YamlNode::quantity<Seconds>(bool) const;
template BytesPerSecond YamlNode::quantity<BytesPerSecond>(bool) const;
template FlopsPerSecond YamlNode::quantity<FlopsPerSecond>(bool) const;
template Watts YamlNode::quantity<Watts>(bool) const;
template Joules YamlNode::quantity<Joules>(bool) const;
template Hertz YamlNode::quantity<Hertz>(bool) const;

}  // namespace tandem
