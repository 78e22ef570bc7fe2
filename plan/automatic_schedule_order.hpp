#pragma once
// What the automatic scheduler searches through: a word per rank, and how long the words take together.
//
// All micro-batches cost a stage the same. So in any schedule the micro-batches may be renamed, stage by stage and kind
// by kind, such that the n-th F, the n-th B or I and the n-th W of every stage belong to micro-batch n: the n-th event
// of a stage cannot come before n events of the stage that it waits for, so it needs no more than the n-th of those. No
// action moves, and what is held depends only on how many actions have run. Hence a letter (stage and kind) is enough:
// its micro-batch is the number of such letters before it, and neighbours agree on the order of their messages.
// Private to the automatic scheduler. Times are picoseconds, memory is in bytes.

#include <cstdint>
#include <limits>
#include <vector>

#include "plan/schedule_evaluation.hpp"

namespace tandem {

enum class Part : std::uint8_t { forward, input_gradient, weight_gradient, backward };
inline constexpr std::size_t kParts = 4;

struct Letter {
  std::uint16_t stage;
  Part part;
  bool operator==(const Letter&) const = default;
};
using Word = std::vector<Letter>;
using Order = std::vector<Word>;  ///< by rank

inline constexpr std::int64_t kNever = std::numeric_limits<std::int64_t>::max();

/// ScheduleCosts with a placement, flat.
struct ScheduleProblem {
  std::uint32_t stages, ranks, micro_batches;
  bool split;  ///< B may be taken apart; if not, it is an I, and W takes no time and needs nothing
  std::vector<std::uint32_t> rank_of_stage;
  std::vector<std::vector<std::uint16_t>> stages_of_rank;
  std::vector<std::int64_t> time;                        ///< by stage and Part
  std::vector<std::int64_t> to_forward, to_backward;     ///< by stage: the message that its F or I waits for
  std::vector<std::int64_t> kept, kept_after, budget;

  std::int64_t time_of(Letter letter) const {
    return time[letter.stage * kParts + static_cast<std::size_t>(letter.part)];
  }
  std::int64_t work_of_rank(std::uint32_t rank) const;
  /// No stage holds more after I than before.
  bool gradients_shrink() const;
};

/// Throws InputError where lists are short, a stage's rank does not exist, a rank has no stage, or a budget is below
/// what one micro-batch holds on that rank: the smallest possible, as all F of a micro-batch come before its first B.
ScheduleProblem make_problem(const ScheduleCosts& costs, const std::vector<std::uint32_t>& rank_of_stage,
                             std::uint32_t ranks, std::uint32_t micro_batches, bool split);

/// Judges words; allocates at construction only.
class WordRules {
 public:
  explicit WordRules(const ScheduleProblem& problem) : problem_(problem), done_(problem.stages) {}
  /// Whether every letter of the rank's word stands after those that it needs there, and the budget is kept.
  bool allow(std::uint32_t rank, const Word& word);

 private:
  struct Done {
    std::uint32_t forwards = 0, backwards = 0, split = 0, weights = 0;
  };
  const ScheduleProblem& problem_;
  std::vector<Done> done_;  ///< by stage
};

Grid to_grid(const Order& order);
/// The words of a grid whose stages live where the problem says.
Order to_order(const Grid& grid);
/// Every B as I and W next to each other.
Order split_backwards(const Order& order);

struct WordPlace {
  std::uint32_t rank, position;
};

/// Times words; allocates at construction only.
class OrderClock {
 public:
  explicit OrderClock(const ScheduleProblem& problem);
  /// The makespan, or kNever for a dead-lock. Each word must be allowed.
  std::int64_t run(const Order& order);
  /// Of the last run, from its last action back to its first: each starts when the one after it in the list ends, or
  /// when that one's message comes.
  void critical_path(const Order& order, std::vector<WordPlace>& path) const;
  std::int64_t end(WordPlace place) const { return ends_[place.rank * stride_ + place.position]; }

 private:
  bool advance(const Order& order, std::uint32_t rank);
  std::size_t cell(std::uint32_t stage, std::uint32_t batch) const { return stage * problem_.micro_batches + batch; }
  void wake(std::uint32_t rank);

  const ScheduleProblem& problem_;
  std::size_t stride_;
  std::vector<std::int64_t> ends_;                        ///< by rank and position
  std::vector<std::uint32_t> batches_;                    ///< by rank and position
  std::vector<std::uint8_t> waited_;                      ///< by rank and position: for its message
  std::vector<std::int64_t> forward_end_, backward_end_;  ///< by stage and micro-batch
  std::vector<std::uint32_t> forward_position_, backward_position_;
  std::vector<std::uint32_t> forwards_, backwards_;       ///< by stage: done
  std::vector<std::uint32_t> next_, queue_;
  std::vector<std::uint8_t> queued_;
  std::vector<std::int64_t> free_;
};

}  // namespace tandem
