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

/// The rows that a rank holds of a vocabulary split over several ranks.
struct OwnRows {
  std::int64_t first = 0, count = 0;
  bool is_whole = true;

  bool holds(std::int32_t token) const { return token >= first && token < first + count; }
};

/// The tokens of input `index`. Throws InvariantError for negative ones and, where the rows are the whole vocabulary,
/// for those beyond it; other ranks' tokens are theirs to bound.
template <class Real>
std::span<const std::int32_t> tokens_for(const KernelArguments<Real>& arguments, std::size_t index, OwnRows rows) {
  return tokens_below(arguments, index, rows.is_whole ? rows.count : std::int64_t{1} << 31);
}

/// The rows of parameter 0 that are here.
template <class Real>
OwnRows own_rows(const KernelArguments<Real>& arguments) {
  OwnRows rows{.count = arguments.attributes->integer("vocabulary")};
  if (arguments.origins == nullptr || arguments.origins->parameters.empty()) return rows;
  rows.first = origin(arguments.origins->parameters, 0, 0);
  rows.is_whole = arguments.origins->parameters[0].empty();
  return rows;
}

}  // namespace tandem
