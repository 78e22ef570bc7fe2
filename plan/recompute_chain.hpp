#pragma once
// The least recomputation that fits a budget: a stage as a chain of pieces, and exact dynamic programming over it.

#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "plan/local_model.hpp"

namespace tandem {

/// Layers between two cuts over each of which one tensor crosses. All sizes in bytes of one micro-batch, aligned.
struct RecomputePiece {
  double work = 0;          ///< FLOPs of F
  std::int64_t kept = 0;    ///< what backward needs of its interior; not kept where the piece is computed again
  std::int64_t pinned = 0;  ///< what is kept in either case: what other ranks' values went into, unless that is repeated
  std::int64_t end = 0;     ///< the tensor that crosses into the next piece; 0 for the last
  bool end_is_read = false;  ///< by the backward of a layer behind the cut
  bool end_is_own = false;   ///< by the backward of its own layer
};

struct RecomputeChain {
  std::int64_t start = 0;  ///< the tensors that come in, kept where they are read or the first piece is computed again
  bool start_is_read = false;
  std::vector<RecomputePiece> pieces;
  std::vector<std::size_t> cuts{};  ///< of pieces' layers: one more than pieces
};

/// The chain of layers [first, last). Pieces are joined where there are more than 32, the smallest neighbours first.
RecomputeChain chain_of(const LocalModel& local, std::size_t first, std::size_t last, std::int64_t batch,
                        bool repeat_collectives = false);

struct RecomputeChoice {
  std::vector<std::pair<std::size_t, std::size_t>> ranges;  ///< of pieces [first, last)
  double work = 0;
  std::int64_t memory = 0;
};

/// Memory of a choice: `under_way` times what is kept, and the largest range's own while it is computed again. A range
/// keeps the tensor that enters it; tensors at the cuts inside a range are computed again. The choice with the least
/// work, and among those the least memory, whose memory is within the budget; none where no choice is.
std::optional<RecomputeChoice> least_recompute(const RecomputeChain& chain, std::int64_t under_way,
                                               std::int64_t budget);

/// The smallest budget for which there is a choice.
std::int64_t least_kept_memory(const RecomputeChain& chain, std::int64_t under_way);

}  // namespace tandem
