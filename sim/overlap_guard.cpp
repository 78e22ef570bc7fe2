#include "sim/overlap_guard.hpp"

#include <algorithm>
#include <utility>

#include "base/error.hpp"

namespace tandem {

OverlapGuard::OverlapGuard(const Program& program, const Prices& prices) : forbids_(prices.worker_forbids_overlap) {
  any_ = std::find(forbids_.begin(), forbids_.end(), true) != forbids_.end();
  if (any_) states_.resize(program.workers().size());
}

bool OverlapGuard::guards_any(std::span<const WorkerId> workers) const {
  return any_ && std::any_of(workers.begin(), workers.end(), [this](WorkerId worker) { return guards(worker); });
}

bool OverlapGuard::may_compute(WorkerId worker, StepId step) {
  State& state = states_[index_of(worker)];
  invariant(!state.computes && state.held_step == kNone<StepId>, "a worker has one compute step at a time");
  (state.exchanges == 0 ? state.computes = true : (state.held_step = step, false));
  return state.computes;
}

void OverlapGuard::compute_ended(WorkerId worker, std::vector<StepId>& released) {
  State& state = states_[index_of(worker)];
  invariant(std::exchange(state.computes, false), "a compute step ends that had started");
  released.insert(released.end(), state.held_exchanges.begin(), state.held_exchanges.end());
  state.held_exchanges.clear();
}

void OverlapGuard::exchange_ready(std::span<const WorkerId> workers) {
  for (const WorkerId worker : workers)
    if (guards(worker)) ++states_[index_of(worker)].exchanges;
}

bool OverlapGuard::may_move(std::span<const WorkerId> workers, StepId exchange) {
  for (const WorkerId worker : workers) {
    if (!guards(worker) || !states_[index_of(worker)].computes) continue;
    states_[index_of(worker)].held_exchanges.push_back(exchange);
    return false;
  }
  return true;
}

void OverlapGuard::exchange_ended(WorkerId worker, std::vector<StepId>& released) {
  if (!guards(worker)) return;
  State& state = states_[index_of(worker)];
  invariant(state.exchanges > 0, "an exchange ends that had been ready");
  if (--state.exchanges > 0 || state.held_step == kNone<StepId>) return;
  released.push_back(std::exchange(state.held_step, kNone<StepId>));
}

}  // namespace tandem
