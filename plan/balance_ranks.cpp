#include "plan/balance_ranks.hpp"

#include <algorithm>
#include <numeric>
#include <tuple>

namespace tandem {
namespace {

using Cuts = std::vector<std::size_t>;
using Score = std::tuple<double, double, double>;  // lacking bytes, fullest rank, sum of squares

class Balance {
 public:
  explicit Balance(const RankedChain& chain) : chain_(chain), items_(chain.time.front().size()) {
    for (const auto& row : chain.time) {
      sums_.emplace_back(row.size() + 1, 0.0);
      std::partial_sum(row.begin(), row.end(), sums_.back().begin() + 1);
    }
  }

  Score score(const Cuts& cuts) const {
    double lacks = 0, fullest = 0, squares = 0;
    for (const auto& stages : chain_.stages) {
      double load = 0;
      for (const std::size_t stage : stages) {
        const std::size_t from = stage == 0 ? 0 : cuts[stage - 1], to = stage == cuts.size() ? items_ : cuts[stage];
        load += sums_[stage][to] - sums_[stage][from];
        if (chain_.lacking) lacks += chain_.lacking(stage, from, to);
      }
      fullest = std::max(fullest, load);
      squares += load * load;
    }
    return {lacks, fullest, squares};
  }

  /// Until no cut can be moved to advantage.
  Cuts improved(Cuts cuts) const {
    for (bool moved = true; moved;) {
      moved = false;
      for (std::size_t i = 0; i < cuts.size(); ++i) moved = move(cuts, i) || moved;
    }
    return cuts;
  }

  /// At equal shares of the time, where the model may be cut; empty: there is no room for that.
  Cuts even() const {
    const std::size_t stages = chain_.time.size();
    Cuts cuts;
    for (std::size_t stage = 1; stage < stages; ++stage) {
      const double share = sums_[0][items_] * static_cast<double>(stage) / static_cast<double>(stages);
      std::size_t cut = cuts.empty() ? 1 : cuts.back() + 1;
      while (cut < items_ && (!chain_.allowed[cut] || sums_[0][cut] < share)) ++cut;
      const auto places_left = static_cast<std::size_t>(std::count(
          chain_.allowed.begin() + static_cast<std::ptrdiff_t>(std::min(cut + 1, items_)), chain_.allowed.end(), true));
      if (cut >= items_ || places_left < stages - 1 - stage) return {};
      cuts.push_back(cut);
    }
    return cuts;
  }

 private:
  bool move(Cuts& cuts, std::size_t i) const {
    const std::size_t first = i == 0 ? 1 : cuts[i - 1] + 1, last = i + 1 == cuts.size() ? items_ : cuts[i + 1];
    Score best = score(cuts);
    const std::size_t before = cuts[i];
    std::size_t place = before;
    for (std::size_t cut = first; cut < last; ++cut) {
      if (!chain_.allowed[cut]) continue;
      cuts[i] = cut;
      if (const Score candidate = score(cuts); candidate < best) best = candidate, place = cut;
    }
    cuts[i] = place;
    return place != before;
  }

  const RankedChain& chain_;
  std::size_t items_;
  std::vector<std::vector<double>> sums_;
};

}  // namespace

std::vector<std::size_t> balance_ranks(const RankedChain& chain, const std::vector<std::size_t>& cuts) {
  const Balance balance(chain);
  const Cuts one = balance.improved(cuts), start = balance.even();
  if (start.empty()) return one;
  const Cuts other = balance.improved(start);
  return balance.score(other) < balance.score(one) ? other : one;
}

}  // namespace tandem
