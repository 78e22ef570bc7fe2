#pragma once
// The angles of a rotary embedding.

#include <cmath>
#include <cstdint>
#include <numbers>

#include "exec/kernels/arguments.hpp"

namespace tandem {

/// How Llama 3.1 stretches frequencies to longer sequences: those that turn rarely over the positions trained with are
/// divided by the factor, those that turn often stay, and in between the two are blended. Without original positions
/// every frequency is divided.
struct FrequencyScaling {
  explicit FrequencyScaling(const Attributes& attributes)
      : factor(attributes.number("factor")),
        original(attributes.number("original_positions")),
        low(attributes.number("low_frequency_factor")),
        high(attributes.number("high_frequency_factor")) {}

  double scaled(double frequency) const {
    if (original == 0) return frequency / factor;
    const double turns = original * frequency / (2 * std::numbers::pi);
    if (turns < low) return frequency / factor;
    if (turns > high) return frequency;
    const double blend = (turns - low) / (high - low);
    return (1 - blend) * frequency / factor + blend * frequency;
  }

  double factor, original, low, high;
};

/// Radians per position of pair `pair` of a head of `size` values.
inline double frequency_of(const Attributes& attributes, std::int64_t pair, std::int64_t size) {
  const double exponent = -2 * static_cast<double>(pair) / static_cast<double>(size);
  return FrequencyScaling(attributes).scaled(std::pow(attributes.number("base"), exponent));
}

/// The place in the whole sequence of the first row that is here.
template <class Real>
std::int64_t first_position(const KernelArguments<Real>& arguments) {
  return arguments.origins == nullptr ? 0 : origin(arguments.origins->output, 0);
}

}  // namespace tandem
