// List scheduling with look-ahead: one pass from the first action to the last.
#include <algorithm>

#include "plan/automatic_schedule_partial.hpp"
#include "plan/automatic_schedule_parts.hpp"

namespace tandem {
namespace {

class ListScheduler {
 public:
  ListScheduler(const ScheduleProblem& problem, const Surroundings& around, const ListRules& rules,
                std::mt19937_64& random)
      : problem_(problem), around_(around), rules_(rules), random_(random), partial_(problem),
        soonest_(problem.ranks, 0), scale_(problem.ranks) {
    for (std::uint32_t rank = 0; rank < problem.ranks; ++rank)
      scale_[rank] = std::max(1.0, static_cast<double>(problem.work_of_rank(rank)) / problem.micro_batches);
  }

  std::optional<Order> run() {
    for (std::uint32_t rank = 0; rank < problem_.ranks; ++rank) look(rank);
    for (;;) {
      const auto soonest = std::min_element(soonest_.begin(), soonest_.end());
      if (*soonest == kNever) break;
      run_one(static_cast<std::uint32_t>(soonest - soonest_.begin()));
    }
    if (!partial_.is_complete()) return std::nullopt;
    return partial_.order();
  }

 private:
  void gather(std::uint32_t rank) {
    partial_.candidates(rank, candidates_);
    std::erase_if(candidates_, [&](const Candidate& candidate) {
      return candidate.letter.part == Part::forward && !leaves_room(rank, candidate.letter.stage);
    });
  }

  /// When the rank could end an action.
  void look(std::uint32_t rank) {
    gather(rank);
    soonest_[rank] = kNever;
    for (const Candidate& candidate : candidates_) soonest_[rank] = std::min(soonest_[rank], candidate.end);
  }

  /// Whether, F of the stage having run, each micro-batch can still go all the way once those before it are gone:
  /// beside what the later ones hold is all that it needs itself. (W can run whenever room is wanted.)
  bool leaves_room(std::uint32_t rank, std::uint32_t stage) const {
    const auto& stages = problem_.stages_of_rank[rank];
    if (stages.size() == 1) return true;
    std::int64_t own = 0;
    for (const std::uint16_t each : stages) own += problem_.kept[each];
    const auto forwards = [&](std::uint32_t each) {
      return partial_.done(each, Part::forward) + (each == stage ? 1 : 0);
    };
    const std::uint32_t begun = forwards(stages.front());
    for (std::uint32_t batch = forwards(stages.back()); batch < begun; ++batch) {
      std::int64_t later = 0;
      for (const std::uint16_t each : stages)
        if (forwards(each) > batch + 1) later += (forwards(each) - batch - 1) * problem_.kept[each];
      if (later + own > problem_.budget[rank]) return false;
    }
    return true;
  }

  double score(std::uint32_t rank, Letter letter) {
    const Part part = letter.part == Part::backward ? Part::input_gradient : letter.part;
    const std::size_t cell = around_.cell(letter.stage, part, partial_.done(letter.stage, part));
    const double tail = static_cast<double>(around_.tail[cell]) / scale_[rank];
    const double noise = static_cast<double>(random_() >> 11) * 0x1p-53;
    return rules_.weight[static_cast<std::size_t>(part)] + rules_.tails * tail + rules_.noise * noise;
  }

  void run_one(std::uint32_t rank) {
    gather(rank);
    std::int64_t first = kNever;
    for (const Candidate& candidate : candidates_) first = std::min(first, candidate.start);
    const double wait = rules_.patience * static_cast<double>(soonest_[rank] - first);
    const std::int64_t latest = first + static_cast<std::int64_t>(wait);
    const Candidate* chosen = nullptr;
    double best = 0;
    for (const Candidate& candidate : candidates_) {
      if (candidate.start > first && candidate.start >= latest) continue;
      const double value = score(rank, candidate.letter);
      if (chosen == nullptr || value > best) chosen = &candidate, best = value;
    }
    const Candidate taken = *chosen;
    partial_.run(rank, taken);
    look(rank);
    look_at_neighbour(taken.letter);
  }

  void look_at_neighbour(Letter letter) {
    if (letter.part == Part::weight_gradient) return;
    if (letter.part != Part::forward && letter.stage > 0) look(problem_.rank_of_stage[letter.stage - 1u]);
    if (letter.part == Part::forward && letter.stage + 1u < problem_.stages)
      look(problem_.rank_of_stage[letter.stage + 1u]);
  }

  const ScheduleProblem& problem_;
  const Surroundings& around_;
  const ListRules& rules_;
  std::mt19937_64& random_;
  PartialSchedule partial_;
  std::vector<Candidate> candidates_;
  std::vector<std::int64_t> soonest_;
  std::vector<double> scale_;  ///< by rank: the work of one micro-batch
};

}  // namespace

std::optional<Order> list_schedule(const ScheduleProblem& problem, const Surroundings& around, const ListRules& rules,
                                   std::mt19937_64& random) {
  return ListScheduler(problem, around, rules, random).run();
}

}  // namespace tandem
