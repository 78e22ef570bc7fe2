#pragma once
// Text broken into lines that fit a terminal.

#include <cstddef>
#include <string>
#include <string_view>

namespace tandem {

inline constexpr std::size_t kColumns = 80;

/// The words, separated by single spaces; the first line begins with `first`, the others with `indent`. No line is
/// longer than kColumns but where one word is. Ends with a line break.
std::string wrapped(std::string_view text, const std::string& first, const std::string& indent);
inline std::string wrapped(std::string_view text, const std::string& indent) { return wrapped(text, indent, indent); }

}  // namespace tandem
