#pragma once
// Dropout of one head's probabilities, for both attentions: the mask by the head's place among all heads, so that it is
// the same however heads are divided, and the probabilities behind it.

#include <algorithm>
#include <cstdint>

#include "exec/kernels/mask.hpp"

namespace tandem {

/// One head of one sample, as its square of probabilities meets dropout.
template <class Real>
class AttentionDropout {
 public:
  explicit AttentionDropout(const KernelArguments<Real>& arguments)
      : rate_(arguments.attributes->number("dropout")),
        size_(arguments.output_spec->dims[0]),
        heads_(arguments.attributes->integer("heads")),
        causal_(arguments.attributes->integer("causal") == 1),
        first_sample_(arguments.first_sample),
        mask_(arguments, rate_) {
    const std::int64_t head = arguments.output_spec->columns() / heads_;
    if (arguments.origins != nullptr) first_head_ = origin(arguments.origins->output, 1) / head;
    if (arguments.extra.size() < 3) return;
    stored_mask_ = reinterpret_cast<std::uint8_t*>(arguments.extra[1]);
    stored_ = arguments.extra[2];
  }

  bool drops() const { return rate_ > 0; }
  /// Does F store mask and dropped probabilities for backward?
  bool stores() const { return stored_ != nullptr; }
  Real scale() const { return static_cast<Real>(1 / (1 - rate_)); }
  /// `index`: sample * heads + head, of this rank's. Null where nothing is stored.
  std::uint8_t* stored_mask(std::int64_t index) const { return stores() ? stored_mask_ + index * tile() : nullptr; }
  Real* stored(std::int64_t index) const { return stores() ? stored_ + index * tile() : nullptr; }

  /// Of all pairs of positions: 1 keeps. Those that no position sees are 0.
  void make_mask(std::int64_t index, std::uint8_t* mask) const {
    const std::int64_t sample = first_sample_ + index / heads_, head = first_head_ + index % heads_;
    for (std::int64_t row = 0; row < size_; ++row, mask += size_) {
      const std::int64_t seen = causal_ ? row + 1 : size_, first = (head * size_ + row) * size_;
      for (std::int64_t at = 0; at < seen;) {
        const auto words = mask_.words(sample, (first + at) / 4);
        for (auto lane = static_cast<std::size_t>((first + at) % 4); lane < 4 && at < seen; ++lane, ++at)
          mask[at] = mask_.keeps(words[lane]);
      }
      std::fill(mask + seen, mask + size_, std::uint8_t{0});
    }
  }

  /// 1 / (1 - rate) where the pair is kept, else 0: of one pair of positions by itself.
  Real factor(std::int64_t index, std::int64_t from, std::int64_t to) const {
    if (!drops()) return 1;
    if (causal_ && to > from) return 0;
    const std::int64_t head = first_head_ + index % heads_, place = (head * size_ + from) * size_ + to;
    const auto words = mask_.words(first_sample_ + index / heads_, place / 4);
    return mask_.keeps(words[static_cast<std::size_t>(place % 4)]) ? scale() : Real{0};
  }
  /// to = from / (1 - rate) where the mask keeps, else 0; may be in place.
  void apply(const std::uint8_t* mask, const Real* from, Real* to) const {
    for (std::int64_t at = 0; at < tile(); ++at) to[at] = from[at] * (mask[at] != 0 ? scale() : Real{0});
  }

 private:
  std::int64_t tile() const { return size_ * size_; }

  double rate_;
  std::int64_t size_, heads_;
  bool causal_;
  std::int64_t first_sample_, first_head_ = 0;
  DropoutMask mask_;
  std::uint8_t* stored_mask_ = nullptr;
  Real* stored_ = nullptr;
};

/// What the fast kernels of both attentions do with a tile between their products.
class TileDropout {
 public:
  explicit TileDropout(const KernelArguments<float>& arguments)
      : dropout_(arguments), scratch_(static_cast<float*>(arguments.scratch)) {
    const std::int64_t size = arguments.output_spec->dims[0];
    invariant(!dropout_.drops() || dropout_.stores() || scratch_ != nullptr, "masks that are made again need scratch");
    if (scratch_ != nullptr) scratch_mask_ = reinterpret_cast<std::uint8_t*>(scratch_ + size * size);
  }

  /// What multiplies V, in F; it stays until the next head.
  const float* dropped(std::int64_t index, const float* probabilities) const {
    if (!dropout_.drops()) return probabilities;
    float* const to = dropout_.stores() ? dropout_.stored(index) : scratch_;
    dropout_.make_mask(index, mask(index));
    dropout_.apply(mask(index), probabilities, to);
    return to;
  }
  /// The same in I; where it is made again, in the scratch's tile.
  const float* dropped_again(std::int64_t index, const float* probabilities) const {
    return dropout_.stores() ? dropout_.stored(index) : dropped(index, probabilities);
  }
  /// The gradient of the probabilities from that of the dropped ones, in place; after dropped_again().
  void through(std::int64_t index, float* gradient) const {
    if (dropout_.drops()) dropout_.apply(mask(index), gradient, gradient);
  }

 private:
  std::uint8_t* mask(std::int64_t index) const { return dropout_.stores() ? dropout_.stored_mask(index) : scratch_mask_; }

  AttentionDropout<float> dropout_;
  float* scratch_;
  std::uint8_t* scratch_mask_ = nullptr;
};

}  // namespace tandem
