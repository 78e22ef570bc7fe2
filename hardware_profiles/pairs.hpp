#pragma once
// Numbers the pairs of n things without a table: (0, 1), (0, 2), ... (0, n - 1), (1, 2), ...

#include <cstdint>
#include <utility>

namespace tandem {

using Pair = std::pair<std::uint32_t, std::uint32_t>;

constexpr std::uint64_t pair_count(std::uint64_t things) { return things < 2 ? 0 : things * (things - 1) / 2; }
/// Of two different things below `things`, in either order.
std::uint64_t pair_index(Pair pair, std::uint64_t things);
/// The lower thing first.
Pair pair_at(std::uint64_t index, std::uint64_t things);

}  // namespace tandem
