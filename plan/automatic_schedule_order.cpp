#include "plan/automatic_schedule_order.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "base/error.hpp"

namespace tandem {
namespace {

std::vector<std::int64_t> counts(const std::vector<Bytes>& list) {
  std::vector<std::int64_t> numbers;
  for (const Bytes bytes : list) numbers.push_back(bytes.count);
  return numbers;
}

void place_stages(ScheduleProblem& problem) {
  problem.stages_of_rank.resize(problem.ranks);
  for (std::uint32_t stage = 0; stage < problem.stages; ++stage) {
    const std::uint32_t rank = problem.rank_of_stage[stage];
    if (rank >= problem.ranks)
      throw InputError(fmt::format("stage {} has no such rank", stage), std::to_string(rank),
                       fmt::format("a rank below {}", problem.ranks));
    problem.stages_of_rank[rank].push_back(static_cast<std::uint16_t>(stage));
  }
  for (std::uint32_t rank = 0; rank < problem.ranks; ++rank)
    if (problem.stages_of_rank[rank].empty()) throw InputError(fmt::format("rank {} has no stage", rank));
}

void check_budgets(const ScheduleProblem& problem) {
  for (std::uint32_t rank = 0; rank < problem.ranks; ++rank) {
    Bytes least;
    for (const std::uint16_t stage : problem.stages_of_rank[rank]) least += Bytes{problem.kept[stage]};
    if (problem.budget[rank] < least.count)
      throw InputError(fmt::format("the activations of one micro-batch do not fit rank {}'s budget", rank),
                       fmt::format("{} B", problem.budget[rank]), fmt::format("at least {} B", least.count));
  }
}

}  // namespace

std::int64_t ScheduleProblem::work_of_rank(std::uint32_t rank) const {
  std::int64_t sum = 0;
  for (const std::uint16_t stage : stages_of_rank[rank])
    sum += time_of({stage, Part::forward}) + time_of({stage, Part::backward});
  return sum * micro_batches;
}

bool ScheduleProblem::gradients_shrink() const {
  return std::equal(kept.begin(), kept.end(), kept_after.begin(),
                    [](auto before, auto after) { return after <= before; });
}

ScheduleProblem make_problem(const ScheduleCosts& costs, const std::vector<std::uint32_t>& rank_of_stage,
                             std::uint32_t ranks, std::uint32_t micro_batches, bool split) {
  constexpr std::uint32_t kStagesMost = 4096;
  const auto stages = static_cast<std::uint32_t>(rank_of_stage.size());
  if (stages == 0 || stages > kStagesMost || micro_batches == 0)
    throw InputError("no schedule for so many stages or micro-batches", fmt::format("{} and {}", stages, micro_batches),
                     fmt::format("1 to {} stages and at least 1 micro-batch", kStagesMost));
  check_costs(costs, stages, ranks);
  ScheduleProblem problem{.stages = stages, .ranks = ranks, .micro_batches = micro_batches, .split = split,
                          .rank_of_stage = rank_of_stage, .stages_of_rank = {}, .time = {}, .to_forward = {},
                          .to_backward = {}, .kept = counts(costs.kept),
                          .kept_after = counts(costs.kept_after_input_gradient), .budget = counts(costs.budget)};
  place_stages(problem);
  check_budgets(problem);
  for (std::uint32_t stage = 0; stage < stages; ++stage) {
    const std::int64_t both = (costs.input_gradient[stage] + costs.weight_gradient[stage]).count;
    const std::int64_t weight = split ? costs.weight_gradient[stage].count : 0;
    problem.time.insert(problem.time.end(), {costs.forward[stage].count, both - weight, weight, both});
    if (!split) problem.kept_after[stage] = 0;
    const auto far = [&](std::uint32_t other) { return rank_of_stage[other] != rank_of_stage[stage]; };
    problem.to_forward.push_back(stage > 0 && far(stage - 1) ? costs.message_forward[stage - 1].count : 0);
    problem.to_backward.push_back(stage + 1 < stages && far(stage + 1) ? costs.message_backward[stage].count : 0);
  }
  return problem;
}

bool WordRules::allow(std::uint32_t rank, const Word& word) {
  for (const std::uint16_t stage : problem_.stages_of_rank[rank]) done_[stage] = {};
  std::int64_t held = 0;
  const std::int64_t budget = problem_.budget[rank];
  for (const Letter letter : word) {
    Done& at = done_[letter.stage];
    const std::int64_t kept = problem_.kept[letter.stage], after = problem_.kept_after[letter.stage];
    switch (letter.part) {
      case Part::forward:
        ++at.forwards, held += kept;
        if (held > budget) return false;
        break;
      case Part::backward:
        if (++at.backwards > at.forwards) return false;
        held -= kept;
        break;
      case Part::input_gradient:
        if (++at.backwards > at.forwards) return false;
        ++at.split, held += after - kept;
        if (std::max(held, held + kept - after) > budget) return false;
        break;
      case Part::weight_gradient:
        if (++at.weights > at.split) return false;
        held -= after;
        break;
    }
  }
  return true;
}

}  // namespace tandem
