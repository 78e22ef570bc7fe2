// What moves between workers, and to the host and back.

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
  const std::int64_t whole = later(route.latency.count, alone);
  if (route.resource != kExclusive && whole > 0) return hardware_.add_job(mover(sender), sender, whole, true);
  if (route.link_count == 0) return schedule(whole, Happening::transfer_ends, index_of(sender));
  schedule(route.latency.count, Happening::latency_ends, index_of(sender));
}

/// Whose thread moves it: of an exchange, the receiver's. A message has no thread of its own: who readied its second
/// end moves it.
StreamId Engine::mover(StepId sender) const {
  const Step& step = steps_[index_of(sender)];
  if (step.kind == StepKind::collective) return rounds_.receiver_of(step.stream);
  if (is_copy(step.kind)) return step.stream;
  const Channel& channel = program_.channels()[index_of(program_.message(sender).channel)];
  const WorkerId worker = hardware_.has_left(channel.from) ? channel.from : channel.to;
  return program_.workers()[index_of(worker)].compute;
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
    return add_flow(sender, route, bytes);
  }
  if (is_copy(step.kind)) {
    const CopyPrice& price = prices_.copies[step.object];
    const RoutePrice& route = prices_.routes[price.route];
    return add_flow(sender, route, static_cast<double>(program_.copy_specs()[step.object].bytes.count));
  }
  const ChannelId id = program_.messages()[step.object].channel;
  const ChannelPrice& price = prices_.channels[index_of(id)];
  const RoutePrice& route = prices_.routes[price.route];
  add_flow(sender, route, static_cast<double>(program_.channels()[index_of(id)].bytes.count));
}

/// A flow that comes upon links which are held for foreseen collectives resumes those first.
void Engine::add_flow(StepId sender, const RoutePrice& route, double bytes) {
  for (StepId member; (member = forecasts_.held_for(prices_.links_of(route))) != kNone<StepId>;) resume(member);
  hardware_.add_flow(route, sender, bytes, now_);
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

}  // namespace tandem
