#pragma once
// Parts of a vocabulary and what is said of each, for both losses over a split vocabulary.
//
// A part's three numbers of a token are the maximum of its scores, the sum of exp(score - maximum), and the target's
// score or 0 where another part holds it: exactly one does, so the target's score is the sum over the parts.

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "exec/kernels/tokens.hpp"

namespace tandem {

/// The columns of input 0 that are here, as rows of the vocabulary.
template <class Real>
OwnRows own_columns(const KernelArguments<Real>& arguments) {
  OwnRows own{.count = arguments.input_specs[0].columns()};
  if (arguments.origins == nullptr || arguments.origins->inputs.empty()) return own;
  own.first = origin(arguments.origins->inputs, 0, arguments.input_specs[0].dims.size() - 1);
  own.is_whole = arguments.origins->inputs[0].empty();
  return own;
}

/// Part `part` of `parts` of the columns that are here: the first ones have one more where they do not divide.
inline OwnRows part_of(const OwnRows& own, std::int64_t part, std::int64_t parts) {
  const auto size = own.count / parts, longer = own.count % parts;
  return {.first = own.first + part * size + std::min(part, longer), .count = size + (part < longer ? 1 : 0)};
}

/// The numbers of the parts of one token, put together.
struct WholeRow {
  double largest = 0, sum = 0;  ///< sum = sum of exp(score - largest) over the vocabulary
  double target = 0;            ///< the target's score

  double loss() const { return std::log(sum) - (target - largest); }
};

/// `numbers`: of the first part; those of the others follow each `stride` further.
template <class Real>
WholeRow whole_row(const Real* numbers, std::int64_t parts, std::int64_t stride) {
  WholeRow row{.largest = static_cast<double>(numbers[0])};
  for (std::int64_t part = 1; part < parts; ++part) {
    row.largest = std::max(row.largest, static_cast<double>(numbers[part * stride]));
  }
  for (std::int64_t part = 0; part < parts; ++part) {
    const Real* const own = numbers + part * stride;
    row.sum += static_cast<double>(own[1]) * std::exp(static_cast<double>(own[0]) - row.largest);
    row.target += static_cast<double>(own[2]);
  }
  return row;
}

/// Calls `body(number of the token, its WholeRow)` for every token of statistics [parts, tokens, 3].
template <class Real, class Body>
void for_each_whole_row(const KernelArguments<Real>& arguments, Body body) {
  constexpr std::int64_t kNumbers = 3;
  const auto& given = arguments.input_specs[1];
  const auto parts = given.dims[0], size = given.elements_per_sample(), stride = size / parts;
  const Real* const numbers = real_input(arguments, 1);
  for (std::int64_t sample = 0; sample < arguments.batch; ++sample) {
    for (std::int64_t at = 0; at < stride; at += kNumbers) {
      body((sample * stride + at) / kNumbers, whole_row(numbers + sample * size + at, parts, stride));
    }
  }
}

}  // namespace tandem
