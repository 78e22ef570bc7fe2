#pragma once
// Declares the device profiles and clusters of the zoo, compiled in by cmake/embed.cmake.

#include <span>

#include "base/embedded_file.hpp"

namespace tandem {

/// Sorted by file name; lives as long as the program.
std::span<const EmbeddedFile> profile_files();

}  // namespace tandem
