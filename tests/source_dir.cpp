#include "tests/source_dir.hpp"

std::string tandem::source_dir() { return TANDEM_SOURCE_DIR; }
