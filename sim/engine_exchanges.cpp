// What moves between workers: messages, and the exchanges of collectives.

#include <algorithm>

#include "sim/clock.hpp"
#include "sim/drain.hpp"
#include "sim/engine.hpp"

namespace tandem {
namespace {

/// The workers of a message, one where it stays on its worker.
class Ends {
 public:
  explicit Ends(const Channel& channel)
      : workers_{channel.from, channel.to}, count_(channel.from == channel.to ? 1 : 2) {}
  std::span<const WorkerId> workers() const { return {workers_, count_}; }

 private:
  WorkerId workers_[2];
  std::size_t count_;
};

/// Of an exchange; never zero where something moves.
std::int64_t time_alone(double bytes, const RoutePrice& route) {
  const std::int64_t time = to_whole_picoseconds(bytes * 1e12 / route.bytes_per_second);
  return bytes > 0 ? std::max<std::int64_t>(1, time) : 0;
}

}  // namespace

/// One end of a message is ready; the message is, once the other is too.
void Engine::arm(StepId send_or_receive) {
  const Message& message = program_.message(send_or_receive);
  states_.arm(send_or_receive);
  if (!states_.armed(message.send) || !states_.armed(message.receive)) return;
  const Channel& channel = program_.channels()[index_of(message.channel)];
  if (guard_.guards(channel)) guard_.exchange_ready(Ends(channel).workers());
  ready_messages_.push_back(message.send);
}

void Engine::activate(StepId send) {
  const Message& message = program_.message(send);
  const Channel& channel = program_.channels()[index_of(message.channel)];
  if (guard_.guards(channel) && !guard_.may_move(Ends(channel).workers(), send)) return;
  states_.begin(message.send, now_);
  states_.begin(message.receive, now_);
  const ChannelPrice& price = prices_.channels[index_of(message.channel)];
  start_transfer(send, prices_.routes[price.route], price.transfer.count);
}

void Engine::end_message(StepId send) {
  const Message& message = program_.message(send);
  const Channel& channel = program_.channels()[index_of(message.channel)];
  guard_.exchange_ended(channel.from, ready_guarded_);
  if (channel.to != channel.from) guard_.exchange_ended(channel.to, ready_guarded_);
  end_step(message.send);
  end_step(message.receive);
}

/// `alone`: the transfer when nothing is shared.
void Engine::start_transfer(StepId sender, const RoutePrice& route, std::int64_t alone) {
  if (route.resource == kExclusive && route.link_count == 0)
    return schedule(later(route.latency.count, alone), Happening::transfer_ends, index_of(sender));
  if (route.resource == kExclusive || !hardware_.saturated(route.resource))
    return schedule(route.latency.count, Happening::latency_ends, index_of(sender));
  const std::int64_t until = later(now_, route.busy_latency.count);
  const Wait wait{sender, until};
  waits_[index_of(steps_[index_of(sender)].stream)] = wait;
  waiting_[route.resource].push_back({wait, route.latency.count});
  ++waiting_count_;
  schedule(route.busy_latency.count, Happening::wait_ends, index_of(sender));
}

/// The scheduler gives the thread its turn, unless a core was free before; then the event is a left-over.
void Engine::end_wait(StepId sender) {
  Wait& wait = waits_[index_of(steps_[index_of(sender)].stream)];
  if (wait != Wait{sender, now_}) return;
  wait = {};
  end_latency(sender);
}

void Engine::wake_waiting() {
  if (waiting_count_ == 0) return;
  for (std::uint32_t resource = 0; resource < waiting_.size(); ++resource) {
    if (waiting_[resource].empty() || hardware_.saturated(resource)) continue;
    for (const Waiting& entry : waiting_[resource]) {
      Wait& wait = waits_[index_of(steps_[index_of(entry.wait.sender)].stream)];
      if (wait != entry.wait) continue;  // its turn came before
      wait = {};
      schedule(std::min(entry.latency, entry.wait.until - now_), Happening::latency_ends, index_of(entry.wait.sender));
    }
    waiting_count_ -= static_cast<std::uint32_t>(waiting_[resource].size());
    waiting_[resource].clear();
  }
}

void Engine::end_latency(StepId sender) {
  const Step& step = steps_[index_of(sender)];
  const auto moves = [&] {
    if (is_copy(step.kind)) return prices_.copies[step.object].transfer.count > 0;
    if (step.kind == StepKind::collective) return rounds_.bytes_of(step.stream) > 0;
    return prices_.channels[index_of(program_.messages()[step.object].channel)].transfer.count > 0;
  };
  if (moves()) ready_transfers_.push_back(sender);
  else end_transfer(sender);
}

void Engine::transfer(StepId sender) {
  const Step& step = steps_[index_of(sender)];
  if (step.kind == StepKind::collective) {
    const RoutePrice& route = rounds_.route_of(step.stream);
    const double bytes = rounds_.bytes_of(step.stream);
    if (route.resource == kExclusive) hardware_.add_flow(route, sender, bytes);
    else hardware_.add_job(route.resource, sender, time_alone(bytes, route));
    return;
  }
  if (is_copy(step.kind)) {
    const CopyPrice& price = prices_.copies[step.object];
    const RoutePrice& route = prices_.routes[price.route];
    if (route.resource != kExclusive) return hardware_.add_job(route.resource, sender, price.transfer.count);
    return hardware_.add_flow(route, sender, static_cast<double>(program_.copy_specs()[step.object].bytes.count));
  }
  const ChannelId id = program_.messages()[step.object].channel;
  const ChannelPrice& price = prices_.channels[index_of(id)];
  const RoutePrice& route = prices_.routes[price.route];
  if (route.resource != kExclusive) return hardware_.add_job(route.resource, sender, price.transfer.count);
  hardware_.add_flow(route, sender, static_cast<double>(program_.channels()[index_of(id)].bytes.count));
}

void Engine::end_transfer(StepId sender) {
  const Step& step = steps_[index_of(sender)];
  if (is_copy(step.kind)) end_copy(sender);
  else if (step.kind == StepKind::collective) end_exchange(step.stream);
  else end_message(sender);
}

/// To a worker that computes or exchanges, a copy is an exchange.
void Engine::reach_copy(StepId copy) {
  const WorkerId worker = program_.copy(copy).worker;
  if (guard_.guards(worker)) guard_.exchange_ready({&worker, 1});
  ready_copies_.push_back(copy);
}

void Engine::start_copy(StepId copy) {
  const WorkerId worker = program_.copy(copy).worker;
  if (guard_.guards(worker) && !guard_.may_move({&worker, 1}, copy)) return;
  states_.begin(copy, now_);
  const CopyPrice& price = prices_.copies[steps_[index_of(copy)].object];
  start_transfer(copy, prices_.routes[price.route], price.transfer.count);
}

void Engine::end_copy(StepId copy) {
  guard_.exchange_ended(program_.copy(copy).worker, ready_guarded_);
  end_step(copy);
}

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
  if (rounds_.enter(member, ready_exchanges_)) return;
  states_.begin(member, now_);
  schedule(0, Happening::member_ends, index_of(member));
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
  start_transfer(rounds_.step_of(sender), route, time_alone(rounds_.bytes_of(sender), route));
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
