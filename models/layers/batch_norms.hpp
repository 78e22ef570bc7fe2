#pragma once
// What batch normalisation and its two synchronised halves share.

#include "models/layers/parts.hpp"

namespace tandem {

/// A weight of ones and a bias of zeros for each channel, the first dimension of input 0.
std::vector<ParameterSpec> channel_scales(const Attributes&, std::span<const TensorSpec> inputs);
/// Mean and 1 / sqrt(variance + epsilon) of each channel over the whole micro-batch.
TensorSpec channel_statistics(const TensorSpec& x);

inline constexpr AttributeSpec kNormAttributes[] = {
    {.name = "epsilon", .fallback = 1e-5, .low = 0, .high = 1, .meaning = "added to the variance", .whole = false},
};

}  // namespace tandem
