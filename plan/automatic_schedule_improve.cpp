// Improvement: letters of the critical path are moved to where the path may become shorter.
#include <algorithm>
#include <cmath>

#include "plan/automatic_schedule_parts.hpp"

namespace tandem {
namespace {

class Annealing {
 public:
  Annealing(const ScheduleProblem& problem, Order order, std::int64_t bound, std::mt19937_64& random)
      : random_(random), rules_(problem), clock_(problem), bound_(bound), current_(std::move(order)), best_(current_) {
    for (const Word& word : current_) letters_ += word.size();
    length_ = best_length_ = clock_.run(current_);
    clock_.critical_path(current_, path_);
  }

  Order run(std::uint64_t budget) {
    const std::uint64_t trials = budget / letters_;
    const double hot = 0.004 * static_cast<double>(length_);
    for (std::uint64_t trial = 0; trial < trials && best_length_ > bound_; ++trial) {
      const double left = 1.0 - static_cast<double>(trial) / static_cast<double>(trials);
      try_move(hot * left * left);
    }
    return best_;
  }

 private:
  std::size_t below(std::size_t limit) { return static_cast<std::size_t>(random_() % limit); }
  double uniform() { return static_cast<double>(random_() >> 11) * 0x1p-53; }

  /// Positions of the path's run of letters around an entry, on its rank.
  std::pair<std::uint32_t, std::uint32_t> block(std::size_t entry) const {
    std::size_t first = entry, last = entry;  // the path goes from late to early
    while (last > 0 && path_[last - 1].rank == path_[entry].rank) --last;
    while (first + 1 < path_.size() && path_[first + 1].rank == path_[entry].rank) ++first;
    return {path_[first].position, path_[last].position};
  }

  std::uint32_t target(std::size_t entry) {
    const WordPlace place = path_[entry];
    const auto size = static_cast<std::uint32_t>(current_[place.rank].size());
    const auto [first, last] = block(entry);
    switch (below(5)) {
      case 0: return first;
      case 1: return last;
      case 2: return place.position > 0 ? place.position - 1 : 0;
      case 3: return std::min(place.position + 1, size - 1);
      default: return static_cast<std::uint32_t>(below(size));
    }
  }

  static void move(Word& word, std::uint32_t from, std::uint32_t to) {
    const auto at = [&](std::uint32_t position) { return word.begin() + position; };
    if (from < to) std::rotate(at(from), at(from + 1), at(to + 1));
    if (to < from) std::rotate(at(to), at(from), at(from + 1));
  }

  static bool changes(const Word& word, std::uint32_t from, std::uint32_t to) {
    for (std::uint32_t position = std::min(from, to); position <= std::max(from, to); ++position)
      if (word[position] != word[from]) return true;
    return false;
  }

  void try_move(double temperature) {
    const std::size_t entry = below(path_.size());
    const WordPlace from = path_[entry];
    const std::uint32_t to = target(entry);
    Word& word = current_[from.rank];
    if (!changes(word, from.position, to)) return;
    move(word, from.position, to);
    if (rules_.allow(from.rank, word)) {
      const std::int64_t length = clock_.run(current_);
      if (length != kNever && accepts(length, temperature)) {
        length_ = length;
        clock_.critical_path(current_, path_);
        if (length < best_length_) best_length_ = length, best_ = current_;
        return;
      }
    }
    move(word, to, from.position);
  }

  bool accepts(std::int64_t length, double temperature) {
    if (length <= length_) return true;
    return uniform() < std::exp(static_cast<double>(length_ - length) / std::max(temperature, 1e-9));
  }

  std::mt19937_64& random_;
  WordRules rules_;
  OrderClock clock_;
  std::int64_t bound_, length_ = 0, best_length_ = 0;
  std::uint64_t letters_ = 0;
  Order current_, best_;
  std::vector<WordPlace> path_;
};

}  // namespace

Order improve(const ScheduleProblem& problem, Order order, std::int64_t bound, std::uint64_t letters,
              std::mt19937_64& random) {
  return Annealing(problem, std::move(order), bound, random).run(letters);
}

}  // namespace tandem
