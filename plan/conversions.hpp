#pragma once
// Conversions between layouts, as layer kinds of their own: local rearrangements, and collectives in place.
//
// A tensor is gathered or scattered through its packed form: one block per rank, one after the other, each holding that
// rank's part of the whole micro-batch. `put_block` and `pack` write it, the collective works on it in place, and
// `take_block` and `unpack` read it; each one's backward is the other's forward, so no conversion needs a rule for its
// gradient. From one split to another a tensor is dealt out through an all-to-all's two halves, each with one block per
// rank, as large as the largest. A halo travels in a tensor of four strips: from_before, from_after, to_before, to_after.

#include <span>
#include <string_view>

#include "models/layer.hpp"

namespace tandem {

/// Local rearrangements: kernels of their own in exec/.
const LayerKind& put_block_kind();     ///< part -> packed; only the own block is written
const LayerKind& unpack_kind();        ///< packed -> whole
const LayerKind& pack_kind();          ///< whole -> packed
const LayerKind& take_block_kind();    ///< packed -> part; reads only the own block
const LayerKind& deal_kind();          ///< part -> two halves of blocks; only the first is written, a block for each rank
const LayerKind& take_dealt_kind();    ///< two halves -> part of the new split; reads only the second
const LayerKind& halo_send_kind();     ///< part -> strips; only to_before and to_after are written
const LayerKind& halo_join_kind();     ///< part, strips -> the rows that a window needs

/// What a rearrangement's attributes say is split over its `ranks`.
struct Division {
  std::int64_t dimension, blocks;
  std::int64_t length;  ///< of the dimension in the whole tensor; of samples, those of all ranks
};
Division division(const Attributes& attributes);
/// Of a tensor that is dealt out: how it is split from then on.
Division division_after(const Attributes& attributes);

/// What moves values between ranks: its output is its input, in place. LocalLayer::collective says what happens.
const LayerKind& exchange_kind();

/// Is this a kind of this file?
bool is_conversion(const LayerKind& kind);
inline bool is_exchange(const LayerKind& kind) { return &kind == &exchange_kind(); }

/// Sizes of a tensor around one of its dimensions, or its samples: `outer` blocks of `length` rows of `inner` values each.
struct Around {
  std::int64_t outer, length, inner;
};
Around around(const TensorSpec& spec, std::int64_t batch, std::int64_t dimension);

}  // namespace tandem
