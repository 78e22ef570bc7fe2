#pragma once
// Texts under tests/golden/ that a picture must equal to the character.

#include <fstream>
#include <iterator>
#include <string>

#include "tests/source_dir.hpp"

namespace tandem {

inline std::string golden(const std::string& name) {
  std::ifstream file(source_dir() + "/tests/golden/" + name);
  return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace tandem
