#pragma once
// Decimal numbers in text: the first step of reading a quantity, and the last of writing one.

#include <string>
#include <string_view>

namespace tandem {

/// The longest prefix of `text` that reads as a finite decimal number. Throws QuantityError when there is none, or when
/// its value overflows or underflows a double.
std::string_view leading_number(std::string_view text, std::string_view want);

/// The double nearest to `number` times ten to the `exponent`, rounded once. `number` comes from leading_number.
/// Throws QuantityError on overflow and underflow.
double scaled_number(std::string_view number, int exponent, std::string_view want);

/// The fewest digits that read back to `value`, times ten to the `-exponent`, without rounding again.
std::string shortest_digits(double value, int exponent);

}  // namespace tandem
