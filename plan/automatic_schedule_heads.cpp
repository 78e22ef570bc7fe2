// Heads and tails: what must come before and after each action in any schedule that keeps the budgets.
//
// Of a stage s, let K(s) be the most micro-batches between the start of F and the end of I (a B is an I and a W next to
// each other), and V(s) those between the start of F and the end of W.
// 1. A micro-batch between F and I on s is so on every stage before s, too. So on each rank q, K(s) times what the
//    stages up to s keep on q is within q's budget. And where F of s starts, it holds kept(s), and each other
//    micro-batch short of its W at least min(kept(s), kept_after(s)): V(s) follows. (Where a stage holds more after I
//    than before, a B would hold less: the minimum covers both.)
// 2. Micro-batches may be taken as in order (automatic_schedule_order.hpp). So I(s, b - K(s)) ends before F(s, b)
//    starts, or K(s) + 1 micro-batches would be there; likewise W(s, b - V(s)). With the arrows of the pipeline and the
//    order within each kind these are relations of "ends before the start of" that all schedules obey.
// 3. They give each action the set of actions that come before it on its own rank. The rank runs one at a time, none
//    before its head: with the set sorted by heads, the action starts no earlier than each head plus the work of the
//    heads from there on. That, and messages, are its head. Tails are the mirror image.
#include <algorithm>

#include "plan/automatic_schedule_parts.hpp"

namespace tandem {
namespace {

constexpr std::int64_t kFar = 1'000'000'000;
constexpr Part kSplitParts[] = {Part::forward, Part::input_gradient, Part::weight_gradient};

/// By how many micro-batches one kind of action of one stage trails another's that has come before it.
class Precedences {
 public:
  explicit Precedences(const ScheduleProblem& problem)
      : kinds_(problem.stages * 3), shift_(kinds_ * kinds_, kFar) {
    for (std::uint32_t stage = 0; stage < problem.stages; ++stage) add_stage(problem, stage);
    for (std::size_t middle = 0; middle < kinds_; ++middle)
      for (std::size_t from = 0; from < kinds_; ++from)
        if (at(from, middle) < kFar)
          for (std::size_t to = 0; to < kinds_; ++to)
            at(from, to) = std::min(at(from, to), at(from, middle) + at(middle, to));
  }
  /// The action of kind `from` of micro-batch b - shift ends before that of kind `to` of micro-batch b starts.
  std::int64_t shift(std::size_t from, std::size_t to) const { return shift_[from * kinds_ + to]; }
  static std::size_t kind(std::uint32_t stage, Part part) { return stage * 3 + static_cast<std::size_t>(part); }

 private:
  std::int64_t& at(std::size_t from, std::size_t to) { return shift_[from * kinds_ + to]; }

  void add_stage(const ScheduleProblem& problem, std::uint32_t stage) {
    const std::size_t forward = kind(stage, Part::forward), input = kind(stage, Part::input_gradient),
                      weight = kind(stage, Part::weight_gradient);
    for (const std::size_t own : {forward, input, weight}) at(own, own) = 1;
    at(forward, input) = at(input, weight) = 0;
    if (stage > 0) at(kind(stage - 1, Part::forward), forward) = at(input, kind(stage - 1, Part::input_gradient)) = 0;
    at(input, forward) = std::min(kFar, most_before_input_gradient(problem, stage));
    at(weight, forward) = std::min(kFar, most_before_weight_gradient(problem, stage));
  }

  static std::int64_t most_before_input_gradient(const ScheduleProblem& problem, std::uint32_t last) {
    std::int64_t most = kFar;
    std::vector<std::int64_t> kept(problem.ranks, 0);
    for (std::uint32_t stage = 0; stage <= last; ++stage) {
      const std::uint32_t rank = problem.rank_of_stage[stage];
      kept[rank] += problem.kept[stage];
      if (kept[rank] > 0) most = std::min(most, problem.budget[rank] / kept[rank]);
    }
    return most;
  }

  static std::int64_t most_before_weight_gradient(const ScheduleProblem& problem, std::uint32_t stage) {
    const std::int64_t least = std::min(problem.kept[stage], problem.kept_after[stage]);
    if (least == 0) return kFar;
    return 1 + (problem.budget[problem.rank_of_stage[stage]] - problem.kept[stage]) / least;
  }

  std::size_t kinds_;
  std::vector<std::int64_t> shift_;
};

/// Sets of actions of one rank, each kind up to or from some micro-batch on.
struct Run {
  const std::int64_t* values;  ///< heads or tails, from the largest on
  std::int64_t step, left, time;
};

/// max over values v of v + work of the actions whose value is at least v.
std::int64_t one_machine(std::vector<Run>& runs) {
  std::int64_t work = 0, longest = 0;
  for (;;) {
    Run* largest = nullptr;
    for (Run& run : runs)
      if (run.left > 0 && (largest == nullptr || *run.values > *largest->values)) largest = &run;
    if (largest == nullptr) return longest;
    work += largest->time;
    longest = std::max(longest, *largest->values + work);
    largest->values += largest->step;
    --largest->left;
  }
}

class Around {
 public:
  explicit Around(const ScheduleProblem& problem)
      : problem_(problem), precedences_(problem), batches_(problem.micro_batches) {
    const std::size_t cells = std::size_t{problem.stages} * 3 * batches_;
    result_ = {problem.micro_batches, std::vector<std::int64_t>(cells, 0), std::vector<std::int64_t>(cells, 0)};
  }

  Surroundings run() {
    for (std::uint32_t batch = 0; batch < batches_; ++batch)
      in_order([&](std::uint32_t stage, Part part) { find_head(stage, part, batch); });
    for (std::uint32_t batch = problem_.micro_batches; batch-- > 0;)
      in_reverse([&](std::uint32_t stage, Part part) { find_tail(stage, part, batch); });
    return result_;
  }

 private:
  template <class Act>
  void in_order(Act act) {
    for (std::uint32_t stage = 0; stage < problem_.stages; ++stage) act(stage, Part::forward);
    for (std::uint32_t stage = problem_.stages; stage-- > 0;) act(stage, Part::input_gradient);
    for (std::uint32_t stage = 0; stage < problem_.stages; ++stage) act(stage, Part::weight_gradient);
  }
  template <class Act>
  void in_reverse(Act act) {
    for (std::uint32_t stage = 0; stage < problem_.stages; ++stage) act(stage, Part::weight_gradient);
    for (std::uint32_t stage = 0; stage < problem_.stages; ++stage) act(stage, Part::input_gradient);
    for (std::uint32_t stage = problem_.stages; stage-- > 0;) act(stage, Part::forward);
  }

  std::int64_t head_end(std::uint32_t stage, Part part, std::uint32_t batch) const {
    return result_.head[result_.cell(stage, part, batch)] + problem_.time_of({static_cast<std::uint16_t>(stage), part});
  }
  std::int64_t tail_start(std::uint32_t stage, Part part, std::uint32_t batch) const {
    return result_.tail[result_.cell(stage, part, batch)] + problem_.time_of({static_cast<std::uint16_t>(stage), part});
  }

  void find_head(std::uint32_t stage, Part part, std::uint32_t batch) {
    std::int64_t head = 0;
    if (part == Part::forward && stage > 0) head = head_end(stage - 1, part, batch) + problem_.to_forward[stage];
    if (part == Part::input_gradient && stage + 1 < problem_.stages)
      head = head_end(stage + 1, part, batch) + problem_.to_backward[stage];
    runs_.clear();
    for_rank_kinds(stage, [&](std::uint32_t other, Part kind) {
      const std::int64_t shift = precedences_.shift(Precedences::kind(other, kind), Precedences::kind(stage, part));
      const std::int64_t count = batch - shift + 1;
      if (count > 0) add_run(result_.head, other, kind, static_cast<std::uint32_t>(count - 1), -1, count);
    });
    result_.head[result_.cell(stage, part, batch)] = std::max(head, one_machine(runs_));
  }

  void find_tail(std::uint32_t stage, Part part, std::uint32_t batch) {
    std::int64_t tail = 0;
    if (part == Part::forward && stage + 1 < problem_.stages)
      tail = tail_start(stage + 1, part, batch) + problem_.to_forward[stage + 1];
    if (part == Part::input_gradient && stage > 0)
      tail = tail_start(stage - 1, part, batch) + problem_.to_backward[stage - 1];
    runs_.clear();
    for_rank_kinds(stage, [&](std::uint32_t other, Part kind) {
      const std::int64_t shift = precedences_.shift(Precedences::kind(stage, part), Precedences::kind(other, kind));
      const std::int64_t first = batch + shift, count = batches_ - first;
      if (count > 0) add_run(result_.tail, other, kind, static_cast<std::uint32_t>(first), 1, count);
    });
    result_.tail[result_.cell(stage, part, batch)] = std::max(tail, one_machine(runs_));
  }

  template <class Act>
  void for_rank_kinds(std::uint32_t stage, Act act) {
    for (const std::uint16_t other : problem_.stages_of_rank[problem_.rank_of_stage[stage]])
      for (const Part kind : kSplitParts) act(other, kind);
  }

  void add_run(const std::vector<std::int64_t>& values, std::uint32_t stage, Part part, std::uint32_t first,
               std::int64_t step, std::int64_t count) {
    runs_.push_back({&values[result_.cell(stage, part, first)], step, count,
                     problem_.time_of({static_cast<std::uint16_t>(stage), part})});
  }

  const ScheduleProblem& problem_;
  Precedences precedences_;
  std::int64_t batches_;
  Surroundings result_;
  std::vector<Run> runs_;
};

}  // namespace

Surroundings surroundings(const ScheduleProblem& problem) { return Around(problem).run(); }

}  // namespace tandem
