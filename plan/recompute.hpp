#pragma once
// Activation checkpointing: which layers of a stage compute their values again in backward, to keep less from forward.

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "plan/local_model.hpp"

namespace tandem {

/// Layers [first, last), ascending and apart.
using RecomputeRanges = std::vector<std::pair<std::size_t, std::size_t>>;

struct Recompute {
  enum class Kind : std::uint8_t {
    none,
    full,       ///< the stage as one range: only its inputs are kept (GPipe, 1811.06965)
    every,      ///< ranges of `layers` layers
    sqrt,       ///< ranges of about the square root of the stage's number of layers (1604.06174)
    block,      ///< each block of the model: layers whose names share a prefix; without such, up to each pooling layer
    selective,  ///< attention alone (2205.05198)
    optimal,    ///< the least work for what the stage's micro-batches may keep and compute again: `budget`
  };
  Kind kind = Kind::none;
  std::int64_t layers = 0;
  Bytes budget{};
  bool operator==(const Recompute&) const = default;
};

/// "none", "full", "every:4", "sqrt", "block", "selective", "optimal:300 MB". Throws QuantityError.
Recompute parse_recompute(std::string_view text);

/// What is computed again of the layers [first, last) with `batch` samples; sources and conversions count as no layers.
/// `under_way`: the most micro-batches between F and the end of backward, for `optimal`, and
/// whether collectives of forward run again. Throws InputError where its
/// budget is too small, with the smallest that is not.
RecomputeRanges recompute_ranges(const Recompute& policy, const LocalModel& local, std::size_t first, std::size_t last,
                                 std::int64_t batch, std::int64_t under_way, bool repeat_collectives = false);

}  // namespace tandem
