#include "tools/wrapped.hpp"

#include <sstream>
#include <utility>

namespace tandem {

std::string wrapped(std::string_view text, const std::string& first, const std::string& indent) {
  std::istringstream words{std::string(text)};
  std::string out, line = first;
  bool begun = false;
  for (std::string word; words >> word; begun = true) {
    const bool full = begun && line.size() + 1 + word.size() > kColumns;
    if (full) out += std::exchange(line, indent) + "\n";
    line += (begun && !full ? " " : "") + word;
  }
  return out + line + "\n";
}

}  // namespace tandem
