// List scheduling with look-ahead: one pass from the first action to the last.
#include <algorithm>

#include "plan/automatic_schedule_parts.hpp"

namespace tandem {
namespace {

struct Candidate {
  Letter letter;
  std::int64_t start, end;
};

class ListScheduler {
 public:
  ListScheduler(const ScheduleProblem& problem, const Surroundings& around, const ListRules& rules,
                std::mt19937_64& random)
      : problem_(problem), around_(around), rules_(rules), random_(random), order_(problem.ranks),
        soonest_(problem.ranks, 0), free_(problem.ranks, 0), held_(problem.ranks, 0),
        done_(problem.stages * kParts, 0), forward_end_(problem.stages * std::size_t{problem.micro_batches}),
        backward_end_(forward_end_.size()), scale_(problem.ranks) {
    for (std::uint32_t rank = 0; rank < problem.ranks; ++rank)
      scale_[rank] = std::max(1.0, static_cast<double>(problem.work_of_rank(rank)) / problem.micro_batches);
  }

  std::optional<Order> run() {
    std::size_t left = 0;
    for (const auto& stages : problem_.stages_of_rank) left += stages.size() * problem_.micro_batches * (split() ? 3 : 2);
    for (std::uint32_t rank = 0; rank < problem_.ranks; ++rank) look(rank);
    for (; left > 0; --left) {
      const auto rank = static_cast<std::uint32_t>(std::min_element(soonest_.begin(), soonest_.end()) - soonest_.begin());
      if (soonest_[rank] == kNever) return std::nullopt;
      run_one(rank);
    }
    return order_;
  }

 private:
  bool split() const { return problem_.split; }
  std::uint32_t done(std::uint32_t stage, Part part) const { return done_[stage * kParts + static_cast<std::size_t>(part)]; }
  std::uint32_t backwards(std::uint32_t stage) const {
    return done(stage, Part::backward) + done(stage, Part::input_gradient);
  }
  std::size_t cell(std::uint32_t stage, std::uint32_t batch) const { return stage * problem_.micro_batches + batch; }

  /// What the rank could run next, and when its soonest would end.
  void look(std::uint32_t rank) {
    gather(rank);
    soonest_[rank] = kNever;
    for (const Candidate& candidate : candidates_) soonest_[rank] = std::min(soonest_[rank], candidate.end);
  }

  void gather(std::uint32_t rank) {
    candidates_.clear();
    for (const std::uint16_t stage : problem_.stages_of_rank[rank]) {
      if (const auto ready = forward_ready(rank, stage)) add(rank, {stage, Part::forward}, *ready);
      if (const auto ready = backward_ready(rank, stage))
        add(rank, {stage, split() ? Part::input_gradient : Part::backward}, *ready);
      if (done(stage, Part::weight_gradient) < done(stage, Part::input_gradient))
        add(rank, {stage, Part::weight_gradient}, 0);
    }
  }

  void add(std::uint32_t rank, Letter letter, std::int64_t ready) {
    const std::int64_t start = std::max(ready, free_[rank]);
    candidates_.push_back({letter, start, start + problem_.time_of(letter)});
  }

  std::optional<std::int64_t> forward_ready(std::uint32_t rank, std::uint32_t stage) const {
    const std::uint32_t batch = done(stage, Part::forward);
    if (batch == problem_.micro_batches) return std::nullopt;
    if (stage > 0 && done(stage - 1, Part::forward) <= batch) return std::nullopt;
    if (held_[rank] + problem_.kept[stage] > problem_.budget[rank] || !leaves_room(rank, stage)) return std::nullopt;
    return stage == 0 ? 0 : forward_end_[cell(stage - 1, batch)] + problem_.to_forward[stage];
  }

  std::optional<std::int64_t> backward_ready(std::uint32_t rank, std::uint32_t stage) const {
    const std::uint32_t batch = backwards(stage);
    if (batch >= done(stage, Part::forward)) return std::nullopt;
    if (stage + 1 < problem_.stages && backwards(stage + 1) <= batch) return std::nullopt;
    const std::int64_t more = split() ? std::max<std::int64_t>(0, problem_.kept_after[stage] - problem_.kept[stage]) : 0;
    if (held_[rank] + more > problem_.budget[rank]) return std::nullopt;
    return stage + 1 == problem_.stages ? 0 : backward_end_[cell(stage + 1, batch)] + problem_.to_backward[stage];
  }

  /// Whether, F of the stage having run, each micro-batch can still go all the way once those before it are gone: what
  /// the later ones hold, and all that it needs itself. (W can run whenever room is wanted.)
  bool leaves_room(std::uint32_t rank, std::uint32_t stage) const {
    const auto& stages = problem_.stages_of_rank[rank];
    if (stages.size() == 1) return true;
    std::int64_t own = 0;
    for (const std::uint16_t each : stages) own += problem_.kept[each];
    const auto after = [&](std::uint32_t each) { return done(each, Part::forward) + (each == stage ? 1 : 0); };
    const std::uint32_t begun = after(stages.front());
    for (std::uint32_t batch = after(stages.back()); batch < begun; ++batch) {
      std::int64_t later = 0;
      for (const std::uint16_t each : stages)
        if (after(each) > batch + 1) later += (after(each) - batch - 1) * problem_.kept[each];
      if (later + own > problem_.budget[rank]) return false;
    }
    return true;
  }

  double score(std::uint32_t rank, const Candidate& candidate) {
    const Part part = candidate.letter.part == Part::backward ? Part::input_gradient : candidate.letter.part;
    const std::uint32_t batch = part == Part::forward          ? done(candidate.letter.stage, Part::forward)
                                : part == Part::input_gradient ? backwards(candidate.letter.stage)
                                                               : done(candidate.letter.stage, Part::weight_gradient);
    const auto tail = static_cast<double>(around_.tail[around_.cell(candidate.letter.stage, part, batch)]);
    const double noise = static_cast<double>(random_() >> 11) * 0x1p-53 * rules_.noise;
    return rules_.weight[static_cast<std::size_t>(part)] + rules_.tails * tail / scale_[rank] + noise;
  }

  void run_one(std::uint32_t rank) {
    gather(rank);
    std::int64_t first = kNever;
    for (const Candidate& candidate : candidates_) first = std::min(first, candidate.start);
    const std::int64_t latest =
        first + static_cast<std::int64_t>(rules_.patience * static_cast<double>(soonest_[rank] - first));
    const Candidate* chosen = nullptr;
    double best = 0;
    for (const Candidate& candidate : candidates_) {
      if (candidate.start > first && candidate.start >= latest) continue;
      const double value = score(rank, candidate);
      if (chosen == nullptr || value > best) chosen = &candidate, best = value;
    }
    take(rank, *chosen);
  }

  void take(std::uint32_t rank, const Candidate chosen) {
    const std::uint32_t stage = chosen.letter.stage;
    const std::int64_t kept = problem_.kept[stage], after = problem_.kept_after[stage];
    order_[rank].push_back(chosen.letter);
    free_[rank] = chosen.end;
    switch (chosen.letter.part) {
      case Part::forward: forward_end_[cell(stage, done(stage, Part::forward))] = chosen.end, held_[rank] += kept; break;
      case Part::backward: backward_end_[cell(stage, backwards(stage))] = chosen.end, held_[rank] -= kept; break;
      case Part::input_gradient:
        backward_end_[cell(stage, backwards(stage))] = chosen.end, held_[rank] += after - kept;
        break;
      case Part::weight_gradient: held_[rank] -= after; break;
    }
    ++done_[stage * kParts + static_cast<std::size_t>(chosen.letter.part)];
    look(rank);
    if (chosen.letter.part == Part::weight_gradient) return;
    if (chosen.letter.part == Part::forward && stage + 1 < problem_.stages) look(problem_.rank_of_stage[stage + 1]);
    if (chosen.letter.part != Part::forward && stage > 0) look(problem_.rank_of_stage[stage - 1]);
  }

  const ScheduleProblem& problem_;
  const Surroundings& around_;
  const ListRules& rules_;
  std::mt19937_64& random_;
  Order order_;
  std::vector<Candidate> candidates_;
  std::vector<std::int64_t> soonest_, free_, held_;
  std::vector<std::uint32_t> done_;  ///< by stage and Part
  std::vector<std::int64_t> forward_end_, backward_end_;
  std::vector<double> scale_;
};

}  // namespace

std::optional<Order> list_schedule(const ScheduleProblem& problem, const Surroundings& around, const ListRules& rules,
                                   std::mt19937_64& random) {
  return ListScheduler(problem, around, rules, random).run();
}

}  // namespace tandem
