#pragma once
// Counter-based random numbers: the value at (seed, stream, index) does not depend on who asks or in which order.

#include <array>
#include <cstdint>
#include <string_view>

namespace tandem {

/// Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC'11): four 32-bit words per counter.
std::array<std::uint32_t, 4> philox(std::uint64_t key, std::uint64_t counter_high, std::uint64_t counter_low);

/// A stream id from a name such as a tensor's (FNV-1a, 64 bits).
std::uint64_t stream_of(std::string_view name);

/// Uniform in [0, 1) with 24 random bits, exactly representable as float.
float uniform_at(std::uint64_t seed, std::uint64_t stream, std::uint64_t index);
/// Standard normal by the Box-Muller transform of two of the words at `index`.
float normal_at(std::uint64_t seed, std::uint64_t stream, std::uint64_t index);
/// Uniform integer in [0, bound).
std::uint64_t below_at(std::uint64_t seed, std::uint64_t stream, std::uint64_t index, std::uint64_t bound);

}  // namespace tandem
