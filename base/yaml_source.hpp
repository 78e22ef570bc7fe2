#pragma once
// The bytes of a YAML text, checked for what its parser would accept, repair or cut short in silence.

#include <string>
#include <string_view>

#include "base/error.hpp"

namespace tandem {

constexpr std::size_t kYamlBytesMax = 1'000'000;

/// `text` without its byte order mark. Throws InputError at the first byte that is no UTF-8 or a control character, the
/// first tab that indents a line, the first directive; and, unread, for a text beyond kYamlBytesMax.
std::string_view checked_yaml_source(std::string_view text, const std::string& name);

}  // namespace tandem
