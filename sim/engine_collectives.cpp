// Collectives: foreseen, round by round, or as a whole.

#include "sim/drain.hpp"
#include "sim/engine.hpp"

namespace tandem {

/// A member has been reached.
void Engine::arrive(StepId member) {
  states_.arm(member);
  const CollectiveId id = program_.collective_members()[steps_[index_of(member)].object].collective;
  const Collective& collective = program_.collectives()[index_of(id)];
  if (!starts_whole_[index_of(collective.spec)]) return enter(member);
  const std::vector<WorkerId>& workers = program_.spec(collective).members;
  if (++arrived_[index_of(id)] < workers.size()) return;
  guard_.exchange_ready(workers);
  ready_wholes_.push_back(id);
}

void Engine::enter(StepId member) {
  switch (forecasts_.enter(member, now_)) {
    case Forecasts::Entry::foreseen: return;
    case Forecasts::Entry::complete: {
      const std::span<const CollectiveMember> members = program_.members(program_.collective(member));
      const std::span<const std::int64_t> ends = forecasts_.ends_of(member);
      for (std::size_t rank = 0; rank < members.size(); ++rank)
        schedule(ends[rank] - now_, Happening::foreseen_end, index_of(members[rank].step));
      return;
    }
    case Forecasts::Entry::in_the_way: resume(member); break;
    case Forecasts::Entry::by_rounds: break;
  }
  if (rounds_.enter(member, ready_exchanges_)) return;
  states_.begin(member, now_);
  schedule(0, Happening::member_ends, index_of(member));
}

/// From now on the foreseen collective of the member goes by rounds.
void Engine::resume(StepId some_member) {
  forecasts_.resume(some_member, now_, resumed_);
  for (const auto& [member, round, open, began] : resumed_.places) {
    rounds_.resume(member, round, open, began != Forecasts::kNotNow);
    if (began != Forecasts::kNotNow) states_.begin(member, began);
  }
  for (const Forecasts::Exchange& exchange : resumed_.under_way) go_on(exchange);
}

/// An exchange that began earlier, on links that nobody else has been on.
void Engine::go_on(const Forecasts::Exchange& exchange) {
  const StepId member = rounds_.step_of(exchange.sender);
  const RoutePrice& route = rounds_.route_of(exchange.sender);
  const std::int64_t latency_end = exchange.begin + route.latency.count;
  if (route.link_count == 0) schedule(exchange.end - now_, Happening::transfer_ends, index_of(member));
  else if (latency_end > now_) schedule(latency_end - now_, Happening::latency_ends, index_of(member));
  else hardware_.add_flow(route, member, rounds_.bytes_of(exchange.sender), latency_end);
}

void Engine::end_foreseen(StepId member) {
  const std::int64_t began = forecasts_.end(member, now_);
  if (began == Forecasts::kNotNow) return;
  states_.begin(member, began);
  end_member(member);
}

void Engine::start_whole(CollectiveId id) {
  const Collective& collective = program_.collectives()[index_of(id)];
  const std::span<const CollectiveMember> members = program_.members(collective);
  if (!guard_.may_move(program_.spec(collective).members, members.front().step)) return;
  const std::optional<Picoseconds>& closed_form = prices_.collectives[index_of(collective.spec)].closed_form;
  for (const CollectiveMember& member : members) {
    if (closed_form) states_.begin(member.step, now_);
    else enter(member.step);
  }
  if (closed_form) schedule(closed_form->count, Happening::collective_ends, index_of(id));
}

/// An exchange of a collective, named by the stream of its sender, begins.
void Engine::activate(StreamId sender) {
  const RoutePrice& route = rounds_.route_of(sender);
  rounds_.begin_exchange(sender, [this](StepId step) { states_.begin(step, now_); });
  const std::int64_t alone = route.link_count > 0 ? 0 : hardware_.time_alone(route, rounds_.bytes_of(sender));
  start_transfer(rounds_.step_of(sender), route, alone);
}

void Engine::end_exchange(StreamId sender) {
  rounds_.end_exchange(sender, ready_exchanges_, ended_members_);
  drain(ended_members_, [this](StepId member) { end_member(member); });
}

void Engine::end_member(StepId member) {
  guard_.exchange_ended(program_.worker_of(member), ready_guarded_);
  end_step(member);
}

void Engine::end_whole(CollectiveId id) {
  for (const CollectiveMember& member : program_.members(program_.collectives()[index_of(id)])) end_member(member.step);
}

}  // namespace tandem
