#include "plan/automatic_schedule_partial.hpp"

#include <algorithm>

namespace tandem {

PartialSchedule::PartialSchedule(const ScheduleProblem& problem)
    : problem_(problem), order_(problem.ranks), free_(problem.ranks, 0), held_(problem.ranks, 0),
      forwards_(problem.stages, 0), backwards_(problem.stages, 0), split_(problem.stages, 0),
      weights_(problem.stages, 0), forward_end_(problem.stages * std::size_t{problem.micro_batches}),
      backward_end_(forward_end_.size()) {}

std::uint32_t PartialSchedule::done(std::uint32_t stage, Part part) const {
  if (part == Part::forward) return forwards_[stage];
  return part == Part::weight_gradient ? weights_[stage] : backwards_[stage];
}

bool PartialSchedule::is_complete() const {
  const auto all = [&](std::uint32_t count) { return count == problem_.micro_batches; };
  return std::all_of(backwards_.begin(), backwards_.end(), all) && weights_ == split_;
}

/// What the letter's end adds to what its rank holds.
std::int64_t PartialSchedule::growth(Letter letter) const {
  const std::int64_t kept = problem_.kept[letter.stage], after = problem_.kept_after[letter.stage];
  switch (letter.part) {
    case Part::forward: return kept;
    case Part::input_gradient: return after - kept;
    case Part::weight_gradient: return -after;
    case Part::backward: break;
  }
  return -kept;
}

void PartialSchedule::candidates(std::uint32_t rank, std::vector<Candidate>& found) const {
  found.clear();
  const auto add = [&](Letter letter, std::int64_t ready) {
    if (growth(letter) > 0 && held_[rank] + growth(letter) > problem_.budget[rank]) return;
    const std::int64_t start = std::max(ready, free_[rank]);
    found.push_back({letter, start, start + problem_.time_of(letter)});
  };
  for (const std::uint16_t stage : problem_.stages_of_rank[rank]) {
    if (const auto ready = forward_ready(stage)) add({stage, Part::forward}, *ready);
    if (const auto ready = backward_ready(stage)) {
      if (problem_.split) add({stage, Part::input_gradient}, *ready);
      if (!problem_.split || problem_.kept_after[stage] > problem_.kept[stage]) add({stage, Part::backward}, *ready);
    }
    if (weights_[stage] < split_[stage]) add({stage, Part::weight_gradient}, 0);
  }
}

std::optional<std::int64_t> PartialSchedule::forward_ready(std::uint32_t stage) const {
  const std::uint32_t batch = forwards_[stage];
  if (batch == problem_.micro_batches) return std::nullopt;
  if (stage == 0) return 0;
  if (forwards_[stage - 1] <= batch) return std::nullopt;
  return forward_end_[cell(stage - 1, batch)] + problem_.to_forward[stage];
}

std::optional<std::int64_t> PartialSchedule::backward_ready(std::uint32_t stage) const {
  const std::uint32_t batch = backwards_[stage];
  if (batch >= forwards_[stage]) return std::nullopt;
  if (stage + 1 == problem_.stages) return 0;
  if (backwards_[stage + 1] <= batch) return std::nullopt;
  return backward_end_[cell(stage + 1, batch)] + problem_.to_backward[stage];
}

void PartialSchedule::run(std::uint32_t rank, const Candidate& chosen) {
  const std::uint32_t stage = chosen.letter.stage;
  order_[rank].push_back(chosen.letter);
  free_[rank] = chosen.end;
  held_[rank] += growth(chosen.letter);
  if (chosen.letter.part == Part::forward) {
    forward_end_[cell(stage, forwards_[stage]++)] = chosen.end;
  } else if (chosen.letter.part == Part::weight_gradient) {
    ++weights_[stage];
  } else {
    backward_end_[cell(stage, backwards_[stage]++)] = chosen.end;
    if (chosen.letter.part == Part::input_gradient) ++split_[stage];
  }
}

void PartialSchedule::undo(std::uint32_t rank, std::int64_t free_before) {
  const Letter letter = order_[rank].back();
  order_[rank].pop_back();
  free_[rank] = free_before;
  held_[rank] -= growth(letter);
  if (letter.part == Part::forward) {
    --forwards_[letter.stage];
  } else if (letter.part == Part::weight_gradient) {
    --weights_[letter.stage];
  } else {
    --backwards_[letter.stage];
    if (letter.part == Part::input_gradient) --split_[letter.stage];
  }
}

}  // namespace tandem
