#pragma once
// The random masks of dropout: a value's fate depends on its place in the whole tensor and on nothing else.

#include <array>
#include <cmath>
#include <cstdint>

#include "base/random.hpp"
#include "exec/kernels/arguments.hpp"

namespace tandem {

class DropoutMask {
 public:
  /// `rate`: the share of values that are dropped.
  template <class Real>
  DropoutMask(const KernelArguments<Real>& arguments, double rate)
      : iteration_(static_cast<std::uint64_t>(arguments.iteration)), bound_(std::ldexp(rate, 32)) {
    const auto words = philox(arguments.seed_of_masks, arguments.layer_key, 0);
    key_ = std::uint64_t{words[0]} << 32 | words[1];
  }

  /// The random words of values 4 * quad to 4 * quad + 3 of the whole tensor of the sample.
  std::array<std::uint32_t, 4> words(std::int64_t sample, std::int64_t quad) const {
    invariant(sample >= 0 && sample < std::int64_t{1} << 32, "a sample's number has 32 bits");
    return philox(key_, iteration_ << 32 | static_cast<std::uint64_t>(sample), static_cast<std::uint64_t>(quad));
  }
  bool keeps(std::uint32_t word) const { return static_cast<double>(word) >= bound_; }

 private:
  std::uint64_t key_ = 0, iteration_;
  double bound_;  ///< words below it drop their value
};

/// Where the layer keeps its mask, a byte for each value (1: kept); null: it is made again.
template <class Real>
std::uint8_t* kept_mask(const KernelArguments<Real>& arguments) {
  return arguments.extra.empty() ? nullptr : reinterpret_cast<std::uint8_t*>(arguments.extra[0]);
}

/// dx from dy by the mask that F has kept.
template <class Real>
void apply_kept_mask(const KernelArguments<Real>& arguments, const std::uint8_t* mask) {
  const auto scale = static_cast<Real>(1 / (1 - arguments.attributes->number("probability")));
  const std::int64_t count = arguments.output_spec->elements(arguments.batch);
  for (std::int64_t at = 0; at < count; ++at)
    put(first_gradient(arguments)[at], arguments.accumulate[0],
        arguments.output_gradient[at] * (mask[at] != 0 ? scale : Real{0}));
}

/// A rank's rows of a tensor: runs along the last dimension, each at some place in the whole tensor of one sample.
class PlacedRows {
 public:
  template <class Real>
  explicit PlacedRows(const KernelArguments<Real>& arguments) : dims_(arguments.output_spec->dims), whole_(dims_) {
    if (arguments.origins == nullptr) return;
    origin_ = arguments.origins->output;
    if (!arguments.origins->whole_output.empty()) whole_ = arguments.origins->whole_output;
  }

  std::int64_t columns() const { return dims_.empty() ? 1 : dims_.back(); }
  std::int64_t rows() const { return element_count(dims_) / columns(); }  ///< of one sample
  /// Where row `row` begins in the whole tensor of the sample.
  std::int64_t whole_index(std::int64_t row) const {
    std::int64_t index = 0, stride = 1;
    for (std::size_t dimension = dims_.size(); dimension-- > 0;) {
      const bool is_last = dimension + 1 == dims_.size();
      const auto at = is_last ? 0 : row % dims_[dimension];
      if (!is_last) row /= dims_[dimension];
      index += (at + origin(origin_, dimension)) * stride;
      stride *= whole_[dimension];
    }
    return index;
  }

 private:
  std::vector<std::int64_t> dims_, whole_, origin_{};
};

}  // namespace tandem
