// The search for the least recomputation that fits.

#include <algorithm>
#include <limits>
#include <set>

#include "plan/recompute_chain.hpp"

namespace tandem {
namespace {

/// A way to handle the pieces before some cut: not worse than another in both respects.
struct State {
  std::int64_t kept;
  double work;
  std::int32_t from;    ///< index of the state that it goes on from; -1: none
  std::uint16_t first;  ///< its last step handles the pieces from this one to the cut
  bool again;           ///< by computing them again
};

/// The search under one limit for what is computed again at once.
class Search {
 public:
  Search(const RecomputeChain& chain, std::int64_t most_again, std::int64_t most_kept, double most_work,
         bool count_work)
      : chain_(chain), most_again_(most_again), most_kept_(most_kept), most_work_(most_work), count_work_(count_work),
        at_(chain.pieces.size() + 1) {}

  /// Index of the best last state, or -1.
  std::int32_t run() {
    add(0, {0, 0, -1, 0, true});
    for (std::size_t cut = 0; cut < chain_.pieces.size(); ++cut) {
      thin(at_[cut]);
      for (const std::int32_t state : at_[cut]) leave(cut, state);
    }
    thin(at_.back());
    std::int32_t best = -1;
    for (const std::int32_t id : at_.back())
      if (best < 0 || order(all_[id]) < order(all_[best])) best = id;
    return best;
  }
  const State& state(std::int32_t id) const { return all_[static_cast<std::size_t>(id)]; }

 private:
  struct States : std::vector<State> {
    const State& operator[](std::int32_t id) const {
      return std::vector<State>::operator[](static_cast<std::size_t>(id));
    }
  };
  static std::pair<double, std::int64_t> order(const State& state) { return {state.work, state.kept}; }

  void add(std::size_t cut, const State& state) {
    if (state.kept > most_kept_ || state.work > most_work_) return;
    all_.push_back(state);
    at_[cut].push_back(static_cast<std::int32_t>(all_.size() - 1));
  }

  /// Of states that end alike, only those that keep less than any with less work.
  void thin(std::vector<std::int32_t>& ids) const {
    std::sort(ids.begin(), ids.end(), [this](auto a, auto b) {
      return std::pair(order(all_[a]), a) < std::pair(order(all_[b]), b);
    });
    std::int64_t least[2] = {std::numeric_limits<std::int64_t>::max(), std::numeric_limits<std::int64_t>::max()};
    std::erase_if(ids, [&](std::int32_t id) {
      std::int64_t& mine = least[all_[id].again];
      if (all_[id].kept >= mine) return true;
      mine = all_[id].kept;
      return false;
    });
  }

  void leave(std::size_t cut, std::int32_t id) {
    const State now = all_[id];
    const auto first = static_cast<std::uint16_t>(cut);
    const RecomputePiece* before = cut == 0 ? nullptr : &chain_.pieces[cut - 1];
    const std::int64_t entering = before == nullptr ? chain_.start : before->end;
    const bool is_read = before == nullptr ? chain_.start_is_read
                                           : before->end_is_read || (before->end_is_own && !now.again);
    add(cut + 1, {now.kept + (is_read ? entering : 0) + chain_.pieces[cut].kept, now.work, id, first, false});
    std::int64_t again = 0, pinned = 0;
    double work = 0;
    for (std::size_t end = cut + 1; end <= chain_.pieces.size(); ++end) {
      const RecomputePiece& piece = chain_.pieces[end - 1];
      again += piece.kept - piece.pinned;
      if (end > cut + 1) again += chain_.pieces[end - 2].end;
      pinned += piece.pinned;
      work += piece.work;
      if (again > most_again_) break;
      if (again + (piece.end_is_own ? piece.end : 0) > most_again_) continue;
      add(end, {now.kept + entering + pinned, now.work + (count_work_ ? work : 0), id, first, true});
    }
  }

  const RecomputeChain& chain_;
  std::int64_t most_again_, most_kept_;
  double most_work_;
  bool count_work_;
  States all_;
  std::vector<std::vector<std::int32_t>> at_;  ///< by cut
};

/// What a range may need at once: nothing, or any range's own.
std::set<std::int64_t> limits(const RecomputeChain& chain) {
  std::set<std::int64_t> limits{0};
  for (std::size_t first = 0; first < chain.pieces.size(); ++first) {
    std::int64_t again = 0;
    for (std::size_t last = first; last < chain.pieces.size(); ++last) {
      const RecomputePiece& piece = chain.pieces[last];
      again += piece.kept - piece.pinned + (last > first ? chain.pieces[last - 1].end : 0);
      limits.insert(again + (piece.end_is_own ? piece.end : 0));
    }
  }
  return limits;
}

}  // namespace

std::optional<RecomputeChoice> least_recompute(const RecomputeChain& chain, std::int64_t under_way,
                                               std::int64_t budget) {
  std::optional<RecomputeChoice> best;
  for (const std::int64_t limit : limits(chain)) {
    if (limit > budget) break;
    const double most_work = best ? best->work : std::numeric_limits<double>::max();
    Search search(chain, limit, (budget - limit) / under_way, most_work, true);
    std::int32_t id = search.run();
    if (id < 0) continue;
    RecomputeChoice choice{{}, search.state(id).work, under_way * search.state(id).kept + limit};
    if (best && std::pair(best->work, best->memory) <= std::pair(choice.work, choice.memory)) continue;
    std::size_t last = chain.pieces.size();
    for (; search.state(id).from >= 0; id = search.state(id).from) {
      if (search.state(id).again) choice.ranges.emplace(choice.ranges.begin(), search.state(id).first, last);
      last = search.state(id).first;
    }
    best = std::move(choice);
  }
  return best;
}

std::int64_t least_kept_memory(const RecomputeChain& chain, std::int64_t under_way) {
  constexpr auto kMost = std::numeric_limits<std::int64_t>::max();
  std::int64_t least = kMost;
  for (const std::int64_t limit : limits(chain)) {
    Search search(chain, limit, kMost, std::numeric_limits<double>::max(), false);
    if (const std::int32_t id = search.run(); id >= 0)
      least = std::min(least, under_way * search.state(id).kept + limit);
  }
  return least;
}

}  // namespace tandem
