#include "plan/recompute_chain.hpp"

#include <algorithm>

#include "plan/segment.hpp"

namespace tandem {
namespace {

constexpr std::size_t kMostPieces = 32;

/// Builds a chain from a stage that is laid out with everything kept, and with nothing that can be computed again.
class ChainBuilder {
 public:
  ChainBuilder(const LocalModel& local, std::size_t first, std::size_t last, std::int64_t batch,
               bool repeat_collectives)
      : model_(local.model),
        plain_(lay_out_segment(local, first, last, batch, {.repeat_collectives = repeat_collectives})),
        bare_(lay_out_segment(local, first, last, batch,
                              {.recompute = {{first, last}}, .repeat_collectives = repeat_collectives})) {}

  RecomputeChain build() {
    RecomputeChain chain;
    chain.start = plain_.inbox_bytes.count;
    chain.start_is_read = plain_.keeps_inbox;
    chain.cuts = {plain_.first};
    for (std::size_t cut = plain_.first + 1; cut < plain_.last; ++cut)
      if (const auto tensor = only_crossing(cut); tensor && index_of(*tensor) >= chain.cuts.back())
        add_piece(chain, cut, &*tensor);
    add_piece(chain, plain_.last, nullptr);
    return chain;
  }

 private:
  static const LayerPlan& plan(const Segment& segment, std::size_t index) {
    return segment.layers[index - segment.first];
  }
  static bool is_saved(const LayerPlan& plan) { return plan.output.place == Place::saved; }
  std::int64_t bytes(LayerId tensor) const { return aligned_size(model_.bytes(tensor, plain_.batch)); }

  /// The one tensor over this cut, unless it is a source's: data is always kept.
  std::optional<LayerId> only_crossing(std::size_t cut) const {
    std::optional<LayerId> found;
    for (const LayerId tensor : model_.crossing(cut)) {
      if (model_.layer(tensor).kind->inputs == 0 && index_of(tensor) >= plain_.first) continue;
      if (found) return {};
      found = tensor;
    }
    return found;
  }

  bool is_read_behind(LayerId tensor, std::size_t cut) const {
    const Placement& at = plan(plain_, index_of(tensor)).output;
    for (std::size_t i = cut; i < plain_.last; ++i)
      for (const Placement& input : plan(plain_, i).kept_inputs)
        if (input.place == Place::saved && input == at) return true;
    return false;
  }

  void add_piece(RecomputeChain& chain, std::size_t cut, const LayerId* end) {
    RecomputePiece piece;
    for (std::size_t i = chain.cuts.back(); i < cut; ++i) {
      const auto id = static_cast<LayerId>(i);
      const Layer& layer = model_.layer(id);
      piece.work += model_.work(id, Pass::forward, plain_.batch).flops().real();
      for (const TensorSpec& extra : layer.kept.extra) piece.kept += aligned_size(extra.bytes(model_.samples(id, plain_.batch)));
      const bool is_alias = i > plain_.first && !is_own(i);
      if (is_alias || (end != nullptr && id == *end)) continue;
      if (is_saved(plan(plain_, i))) piece.kept += bytes(id);
      if (is_saved(plan(bare_, i))) piece.pinned += bytes(id);
    }
    if (end != nullptr) {
      piece.end = bytes(*end);
      piece.end_is_read = is_read_behind(*end, cut);
      piece.end_is_own = model_.layer(*end).kept.output;
    }
    piece.kept = std::max(piece.kept, piece.pinned);
    chain.pieces.push_back(piece);
    chain.cuts.push_back(cut);
  }

  /// Not the output of a collective, which lies where its input does.
  bool is_own(std::size_t index) const {
    const LayerPlan& entry = plan(plain_, index);
    return entry.inputs.empty() || entry.output.place != Place::saved || entry.inputs[0] != entry.output;
  }

  const Model& model_;
  Segment plain_, bare_;
};

void join(RecomputeChain& chain, std::size_t at) {
  RecomputePiece &a = chain.pieces[at], b = chain.pieces[at + 1];
  const std::int64_t inside = a.end_is_read || a.end_is_own ? a.end : 0;
  a = {a.work + b.work, a.kept + inside + b.kept, a.pinned + b.pinned, b.end, b.end_is_read, b.end_is_own};
  chain.pieces.erase(chain.pieces.begin() + static_cast<std::ptrdiff_t>(at) + 1);
  chain.cuts.erase(chain.cuts.begin() + static_cast<std::ptrdiff_t>(at) + 1);
}

}  // namespace

RecomputeChain chain_of(const LocalModel& local, std::size_t first, std::size_t last, std::int64_t batch,
                        bool repeat_collectives) {
  RecomputeChain chain = ChainBuilder(local, first, last, batch, repeat_collectives).build();
  while (chain.pieces.size() > kMostPieces) {
    std::size_t least = 0;
    const auto size = [&](std::size_t i) { return chain.pieces[i].kept + chain.pieces[i + 1].kept; };
    for (std::size_t i = 1; i + 1 < chain.pieces.size(); ++i)
      if (size(i) < size(least)) least = i;
    join(chain, least);
  }
  return chain;
}

}  // namespace tandem
