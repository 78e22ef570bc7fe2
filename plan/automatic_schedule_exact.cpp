// Branch and bound for small problems: all active schedules, in the manner of Giffler and Thompson, "Algorithms for
// solving production-scheduling problems", Operations Research 1960.
//
// Take the rank whose soonest action could end first of all ranks', at `soonest`. No letter that has not run ends
// before that, so one whose message has not been sent starts then or later. If in a shortest schedule the rank's next
// letter starts before `soonest`, it is one of the rank's candidates that could. If not, the soonest action may be run
// in the gap: nothing else moves. What is held stays within the budget unless the action adds to it; and even an F may
// on a rank with one stage, as only I and W that add nothing lie between. Else a branch of its own lets the rank wait.
#include <algorithm>

#include "plan/automatic_schedule_partial.hpp"
#include "plan/automatic_schedule_parts.hpp"

namespace tandem {
namespace {

class Branching {
 public:
  Branching(const ScheduleProblem& problem, const Surroundings& around, std::int64_t bound, std::int64_t length,
            std::uint64_t nodes)
      : problem_(problem), around_(around), bound_(bound), nodes_left_(nodes), partial_(problem), work_(problem.ranks),
        answer_{{}, length, false} {
    for (std::uint32_t rank = 0; rank < problem.ranks; ++rank) work_[rank] = problem.work_of_rank(rank);
    may_wait_ = problem.stages > problem.ranks || !problem.gradients_shrink();
  }

  ExactAnswer run() {
    branch(0);
    answer_.proven = nodes_left_ > 0 && !(may_wait_ && has_instant_actions());
    return answer_;
  }

 private:
  /// A rank cannot wait for the end of an action that takes no time.
  bool has_instant_actions() const {
    for (std::uint16_t stage = 0; stage < problem_.stages; ++stage)
      for (const Part part : {Part::forward, Part::input_gradient, Part::weight_gradient})
        if (problem_.time_of({stage, part}) == 0 && (problem_.split || part != Part::weight_gradient)) return true;
    return false;
  }

  /// No way on from here is shorter: each rank's work that is left, and what must follow each stage's next letters.
  std::int64_t least() const {
    std::int64_t least = 0;
    for (std::uint32_t rank = 0; rank < problem_.ranks; ++rank) {
      least = std::max(least, partial_.free(rank) + work_[rank]);
      for (const std::uint16_t stage : problem_.stages_of_rank[rank])
        for (const Part part : {Part::forward, Part::input_gradient})
          least = std::max(least, through(rank, {stage, part}));
    }
    return least;
  }

  std::int64_t through(std::uint32_t rank, Letter letter) const {
    const std::uint32_t batch = partial_.done(letter.stage, letter.part);
    if (batch == problem_.micro_batches) return 0;
    const std::size_t cell = around_.cell(letter.stage, letter.part, batch);
    return std::max(partial_.free(rank), around_.head[cell]) + problem_.time_of(letter) + around_.tail[cell];
  }

  /// The rank that can end an action first, and what it could run.
  std::optional<std::uint32_t> conflict(std::vector<Candidate>& candidates, std::int64_t& soonest) const {
    std::optional<std::uint32_t> rank;
    std::vector<Candidate> found;
    for (std::uint32_t each = 0; each < problem_.ranks; ++each) {
      partial_.candidates(each, found);
      const auto first =
          std::min_element(found.begin(), found.end(), [](const auto& a, const auto& b) { return a.end < b.end; });
      if (first == found.end() || first->end >= soonest) continue;
      soonest = first->end, rank = each;
      candidates.swap(found);
    }
    return rank;
  }

  void branch(std::int64_t longest) {
    if (nodes_left_ == 0 || --nodes_left_ == 0 || answer_.length <= bound_) return;
    if (std::max(longest, least()) >= answer_.length) return;
    std::vector<Candidate> candidates;
    std::int64_t soonest = kNever;
    const auto rank = conflict(candidates, soonest);
    if (!rank) return finish(longest);
    for (const Candidate& candidate : candidates)
      if (candidate.start < soonest || candidate.end == soonest) run_and_branch(*rank, candidate, longest);
    if (may_wait_ && soonest > partial_.free(*rank)) wait_and_branch(*rank, soonest, longest);
  }

  void finish(std::int64_t longest) {
    if (partial_.is_complete()) answer_.order = partial_.order(), answer_.length = longest;
  }

  void run_and_branch(std::uint32_t rank, const Candidate& chosen, std::int64_t longest) {
    const std::int64_t free = partial_.free(rank), time = problem_.time_of(chosen.letter);
    partial_.run(rank, chosen);
    work_[rank] -= time;
    branch(std::max(longest, chosen.end));
    work_[rank] += time;
    partial_.undo(rank, free);
  }

  void wait_and_branch(std::uint32_t rank, std::int64_t until, std::int64_t longest) {
    const std::int64_t free = partial_.free(rank);
    partial_.wait(rank, until);
    branch(longest);
    partial_.wait(rank, free);
  }

  const ScheduleProblem& problem_;
  const Surroundings& around_;
  std::int64_t bound_;
  std::uint64_t nodes_left_;
  PartialSchedule partial_;
  std::vector<std::int64_t> work_;  ///< by rank: what is left
  bool may_wait_ = false;
  ExactAnswer answer_;
};

}  // namespace

ExactAnswer search_exactly(const ScheduleProblem& problem, const Surroundings& around, std::int64_t bound,
                           std::int64_t length, std::uint64_t nodes) {
  return Branching(problem, around, bound, length, nodes).run();
}

}  // namespace tandem
