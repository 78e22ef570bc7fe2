#pragma once
// Tokens that index memory: checked once per kernel call.

#include <algorithm>
#include <cstdint>
#include <span>

#include "exec/kernels/arguments.hpp"

namespace tandem {

/// The tokens of input `index`, all within [0, limit). Throws InvariantError otherwise.
template <class Real>
std::span<const std::int32_t> tokens_below(const KernelArguments<Real>& arguments, std::size_t index,
                                           std::int64_t limit) {
  const auto count = arguments.input_specs[index].elements(arguments.batch);
  const std::span tokens(integer_input(arguments, index), static_cast<std::size_t>(count));
  const bool inside = std::ranges::all_of(tokens, [limit](std::int32_t token) { return token >= 0 && token < limit; });
  invariant(inside, "a token is a row of the vocabulary");
  return tokens;
}

template <class Real>
std::span<const std::int32_t> tokens_below_vocabulary(const KernelArguments<Real>& arguments) {
  return tokens_below(arguments, 0, arguments.attributes->integer("vocabulary"));
}

}  // namespace tandem
