#pragma once
// Texts under tests/golden/ that a picture must equal to the character.

#include <fstream>
#include <iterator>
#include <string>

namespace tandem {

inline std::string golden(const std::string& name) {
  std::ifstream file(std::string(TANDEM_SOURCE_DIR) + "/tests/golden/" + name);
  return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace tandem
