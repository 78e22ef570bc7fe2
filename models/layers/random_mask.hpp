#pragma once
// What a random mask costs.

#include <cstdint>

namespace tandem {

/// Operations a value: Philox4x32-10 makes four words in ten rounds of two multiplications and four exclusive ors; then
/// compare and scale.
inline constexpr std::int64_t kMaskOperations = 10 * 6 / 4 + 2;

}  // namespace tandem
