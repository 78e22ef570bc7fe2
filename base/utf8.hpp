#pragma once
// UTF-8 as Unicode defines it: which bytes at the start of a text form one character.

#include <cstddef>
#include <string_view>

namespace tandem {

/// Bytes of the character that `text` starts with (1 to 4); 0 when they are no valid UTF-8 or `text` is empty.
/// Overlong forms, surrogates and values beyond U+10FFFF are invalid (Unicode 15, table 3-7).
std::size_t utf8_length(std::string_view text);

}  // namespace tandem
