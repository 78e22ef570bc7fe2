#pragma once
// Where the checkout lies, for tests that read its documents, goldens and fixtures.
#include <string>

namespace tandem {

/// The root of the source tree, without a slash at its end.
std::string source_dir();

}  // namespace tandem
