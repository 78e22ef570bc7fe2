#pragma once
// The two JSON values that need care, for writers that stream.

#include <string>
#include <string_view>

namespace tandem {

/// `text` in quotes. Control characters and '<' are escaped, so that it is inert inside HTML, too; bytes that are no
/// UTF-8 become U+FFFD.
std::string json_string(std::string_view text);

/// The shortest digits that read back to the same value; `null` for NaN and infinities, which JSON has not.
std::string json_number(double value);
std::string json_number(float value);

}  // namespace tandem
