#pragma once
// Declares the texts that the tool carries (its README, which is the default training data), compiled in by cmake/embed.cmake.

#include <span>

#include "base/embedded_file.hpp"

namespace tandem {

/// Sorted by file name; lives as long as the program.
std::span<const EmbeddedFile> text_files();

}  // namespace tandem
