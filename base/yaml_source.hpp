#pragma once
// The bytes of a YAML text, checked for what its parser would accept, repair or cut short in silence.

#include <string>
#include <string_view>

#include "base/error.hpp"

namespace tandem {

constexpr std::size_t kYamlBytesMax = 1'000'000;

/// Returns `text` without its byte order mark. Throws InputError at the first byte that is no UTF-8, no printable
/// character, or a tab that indents a line; and for a text beyond kYamlBytesMax, unread.
std::string_view checked_yaml_source(std::string_view text, const std::string& name);

}  // namespace tandem
