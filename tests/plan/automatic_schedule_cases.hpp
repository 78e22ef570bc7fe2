#pragma once
// Costs of schedules: equal ones that can be worked out by hand, and random ones from a seed.

#include <algorithm>
#include <cstdint>
#include <numeric>
#include <vector>

#include "plan/automatic_schedule.hpp"
#include "tests/plan/random_models.hpp"

namespace tandem {

/// All stages alike; no messages, two bytes held from F to I and one from I to W, room for `room` bytes.
inline ScheduleCosts equal_costs(std::uint32_t stages, std::uint32_t ranks, std::int64_t forward,
                                 std::int64_t input, std::int64_t weight, std::int64_t room) {
  ScheduleCosts costs;
  costs.forward.assign(stages, {forward});
  costs.input_gradient.assign(stages, {input});
  costs.weight_gradient.assign(stages, {weight});
  costs.message_forward.assign(stages - 1, {0});
  costs.message_backward.assign(stages - 1, {0});
  costs.kept.assign(stages, {2});
  costs.kept_after_input_gradient.assign(stages, {1});
  costs.budget.assign(ranks, {room});
  return costs;
}

inline std::vector<std::uint32_t> one_each(std::uint32_t stages) {
  std::vector<std::uint32_t> ranks(stages);
  std::iota(ranks.begin(), ranks.end(), 0u);
  return ranks;
}

/// Steps within a factor of six, messages of up to 30 ps to steps of 100; budgets by rank from what 1F1B holds to twice
/// that.
inline ScheduleCosts random_costs(Dice& dice, std::uint32_t stages) {
  ScheduleCosts costs;
  for (std::uint32_t stage = 0; stage < stages; ++stage) {
    costs.forward.push_back({dice.between(50, 150)});
    costs.input_gradient.push_back({dice.between(50, 150)});
    costs.weight_gradient.push_back({dice.between(25, 150)});
    if (stage > 0) costs.message_forward.push_back({dice.between(0, 30)});
    if (stage > 0) costs.message_backward.push_back({dice.between(0, 30)});
    const std::int64_t kept = dice.between(50, 150);
    costs.kept.push_back({kept});
    costs.kept_after_input_gradient.push_back({dice.between(20, kept)});
    costs.budget.push_back({kept * (stages - stage) * dice.between(100, 200) / 100});
  }
  return costs;
}

/// Stage s of a V: down through the ranks and up again.
inline std::vector<std::uint32_t> folded(std::uint32_t ranks) {
  std::vector<std::uint32_t> of(2 * ranks);
  for (std::uint32_t stage = 0; stage < 2 * ranks; ++stage) of[stage] = std::min(stage, 2 * ranks - 1 - stage);
  return of;
}

/// Two stages for each of the ranks; each rank has room for p + 2 of its larger stages: half of 1F1B's 2 p.
inline ScheduleCosts folded_costs(Dice& dice, std::uint32_t ranks) {
  ScheduleCosts costs = random_costs(dice, 2 * ranks);
  costs.budget.assign(ranks, Bytes{});
  const std::vector<std::uint32_t> rank_of = folded(ranks);
  for (std::uint32_t stage = 0; stage < 2 * ranks; ++stage)
    costs.budget[rank_of[stage]] =
        std::max(costs.budget[rank_of[stage]], costs.kept[stage] * std::int64_t{ranks + 2});
  return costs;
}

struct ScheduleInstance {
  std::uint32_t stages, micro_batches;
  ScheduleCosts costs;
};

/// 2 to 16 stages, one to four micro-batches per stage. Every second one on like devices: all have the budget of the
/// one that would hold most in 1F1B, or up to twice as much.
inline ScheduleInstance random_instance(std::uint64_t seed) {
  Dice dice(seed);
  const auto stages = static_cast<std::uint32_t>(dice.between(2, 16));
  const auto batches = static_cast<std::uint32_t>(dice.between(stages, 4 * stages));
  ScheduleInstance instance{stages, batches, random_costs(dice, stages)};
  if (seed % 2 == 0) return instance;
  Bytes most;
  for (std::uint32_t stage = 0; stage < stages; ++stage)
    most = std::max(most, instance.costs.kept[stage] * std::int64_t{stages - stage});
  instance.costs.budget.assign(stages, Bytes{most.count * dice.between(100, 200) / 100});
  return instance;
}

}  // namespace tandem
