#pragma once
// A text file compiled into the program, so that the tool needs nothing beside itself at run time.

#include <string_view>

namespace tandem {

struct EmbeddedFile {
  std::string_view name;  ///< file name without folder, such as "gpt-nano.yaml"
  std::string_view text;
};

}  // namespace tandem
