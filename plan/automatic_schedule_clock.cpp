// Times words of letters: the inner loop of the search.
#include <algorithm>

#include "plan/automatic_schedule_order.hpp"

namespace tandem {

OrderClock::OrderClock(const ScheduleProblem& problem) : problem_(problem) {
  std::size_t most = 0;
  for (const auto& stages : problem.stages_of_rank) most = std::max(most, stages.size());
  stride_ = 3 * most * problem.micro_batches;
  const std::size_t places = problem.ranks * stride_, cells = std::size_t{problem.stages} * problem.micro_batches;
  ends_.resize(places), batches_.resize(places), waited_.resize(places);
  forward_end_.resize(cells), backward_end_.resize(cells);
  forward_position_.resize(cells), backward_position_.resize(cells);
  forwards_.resize(problem.stages), backwards_.resize(problem.stages);
  next_.resize(problem.ranks), queued_.resize(problem.ranks), free_.resize(problem.ranks);
  queue_.reserve(problem.ranks);
}

void OrderClock::wake(std::uint32_t rank) {
  if (queued_[rank]) return;
  queued_[rank] = 1;
  queue_.push_back(rank);
}

/// Runs the rank's next letter; false while its message is not known.
bool OrderClock::advance(const Order& order, std::uint32_t rank) {
  const std::uint32_t position = next_[rank];
  if (position == order[rank].size()) return false;
  const Letter letter = order[rank][position];
  const std::uint32_t stage = letter.stage;
  std::int64_t ready = 0;
  std::uint32_t batch = 0;
  if (letter.part == Part::forward) {
    batch = forwards_[stage];
    if (stage > 0) {
      if (forwards_[stage - 1] <= batch) return false;
      ready = forward_end_[cell(stage - 1, batch)] + problem_.to_forward[stage];
    }
  } else if (letter.part != Part::weight_gradient) {
    batch = backwards_[stage];
    if (stage + 1 < problem_.stages) {
      if (backwards_[stage + 1] <= batch) return false;
      ready = backward_end_[cell(stage + 1, batch)] + problem_.to_backward[stage];
    }
  }
  const std::size_t place = rank * stride_ + position;
  waited_[place] = ready > free_[rank];
  const std::int64_t end = std::max(ready, free_[rank]) + problem_.time_of(letter);
  free_[rank] = ends_[place] = end;
  batches_[place] = batch;
  ++next_[rank];
  if (letter.part == Part::forward) {
    forward_end_[cell(stage, batch)] = end, forward_position_[cell(stage, batch)] = position;
    ++forwards_[stage];
    if (stage + 1 < problem_.stages) wake(problem_.rank_of_stage[stage + 1]);
  } else if (letter.part != Part::weight_gradient) {
    backward_end_[cell(stage, batch)] = end, backward_position_[cell(stage, batch)] = position;
    ++backwards_[stage];
    if (stage > 0) wake(problem_.rank_of_stage[stage - 1]);
  }
  return true;
}

std::int64_t OrderClock::run(const Order& order) {
  std::fill(forwards_.begin(), forwards_.end(), 0u);
  std::fill(backwards_.begin(), backwards_.end(), 0u);
  std::fill(next_.begin(), next_.end(), 0u);
  std::fill(free_.begin(), free_.end(), 0);
  queue_.clear();
  for (std::uint32_t rank = 0; rank < problem_.ranks; ++rank) queued_[rank] = 0, wake(rank);
  while (!queue_.empty()) {
    const std::uint32_t rank = queue_.back();
    queue_.pop_back();
    while (advance(order, rank)) {
    }
    queued_[rank] = 0;
  }
  for (std::uint32_t rank = 0; rank < problem_.ranks; ++rank)
    if (next_[rank] < order[rank].size()) return kNever;
  return *std::max_element(free_.begin(), free_.end());
}

void OrderClock::critical_path(const Order& order, std::vector<WordPlace>& path) const {
  path.clear();
  const auto last = static_cast<std::uint32_t>(std::max_element(free_.begin(), free_.end()) - free_.begin());
  WordPlace at{last, static_cast<std::uint32_t>(order[last].size() - 1)};
  for (;;) {
    path.push_back(at);
    const std::size_t place = at.rank * stride_ + at.position;
    const Letter letter = order[at.rank][at.position];
    if (!waited_[place]) {
      if (at.position == 0) return;
      --at.position;
      continue;
    }
    const bool forward = letter.part == Part::forward;
    const std::uint32_t from = forward ? letter.stage - 1u : letter.stage + 1u;
    const std::uint32_t position = (forward ? forward_position_ : backward_position_)[cell(from, batches_[place])];
    at = {problem_.rank_of_stage[from], position};
  }
}

}  // namespace tandem
