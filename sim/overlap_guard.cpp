#include "sim/overlap_guard.hpp"

#include <algorithm>
#include <utility>

#include "base/error.hpp"

namespace tandem {

OverlapGuard::OverlapGuard(const Program& program, const Prices& prices) : forbids_(prices.worker_forbids_overlap) {
  any_ = std::find(forbids_.begin(), forbids_.end(), true) != forbids_.end();
  if (any_) states_.resize(program.workers().size());
}

template <class Visit>
void OverlapGuard::each_end(const Channel& channel, Visit visit) {
  if (guards(channel.from)) visit(states_[index_of(channel.from)]);
  if (guards(channel.to) && channel.to != channel.from) visit(states_[index_of(channel.to)]);
}

bool OverlapGuard::may_compute(WorkerId worker, StepId step) {
  State& state = states_[index_of(worker)];
  invariant(!state.computes && state.held_step == kNone<StepId>, "a worker has one compute step at a time");
  (state.exchanges == 0 ? state.computes = true : (state.held_step = step, false));
  return state.computes;
}

void OverlapGuard::compute_ended(WorkerId worker, std::vector<MessageId>& released) {
  State& state = states_[index_of(worker)];
  invariant(std::exchange(state.computes, false), "a compute step ends that had started");
  released.insert(released.end(), state.held_messages.begin(), state.held_messages.end());
  state.held_messages.clear();
}

void OverlapGuard::message_ready(const Channel& channel) {
  each_end(channel, [](State& state) { ++state.exchanges; });
}

bool OverlapGuard::may_move(const Channel& channel, MessageId message) {
  State* busy = nullptr;
  each_end(channel, [&busy](State& state) {
    if (state.computes) busy = &state;
  });
  if (busy != nullptr) busy->held_messages.push_back(message);
  return busy == nullptr;
}

void OverlapGuard::message_ended(const Channel& channel, std::vector<StepId>& released) {
  each_end(channel, [&released](State& state) {
    invariant(state.exchanges > 0, "a message ends that had been ready");
    if (--state.exchanges > 0 || state.held_step == kNone<StepId>) return;
    released.push_back(std::exchange(state.held_step, kNone<StepId>));
  });
}

}  // namespace tandem
