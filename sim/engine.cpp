#include "sim/engine.hpp"

#include <fmt/format.h>

#include "base/error.hpp"
#include "sim/clock.hpp"
#include "sim/prices_fit.hpp"

namespace tandem {
namespace {

bool is_message_end(StepKind kind) { return kind == StepKind::send || kind == StepKind::receive; }

}  // namespace

Engine::Engine(const Program& program, const Prices& prices, std::vector<Span>& spans)
    : program_(program), prices_(prices), steps_(program.steps().data()),
      step_count_(static_cast<std::uint32_t>(program.step_count())), states_(spans), guard_(program, prices) {
  require_prices_fit(program, prices);
  invariant(spans.size() == program.step_count(), "every step has a span");
  for (std::size_t i = 0; i < prices.works.size(); ++i) {
    const WorkerId worker = program.works()[i].worker;
    rules_.push_back({prices.works[i].time.count, prices.worker_resource[index_of(worker)], worker});
  }
  resources_.reserve(prices.resources.size());
  for (const SharedResource& resource : prices.resources) resources_.emplace_back(resource);
  pending_.assign(resources_.size(), ProcessorSharing::kNever);
}

void Engine::run() {
  for (const Stream& stream : program_.streams()) {
    if (stream.count > 0) reach(stream.first, 0);
  }
  start_ready();
  while (queue_.pop_batch(batch_)) {
    now_ = queue_.now();
    for (const Event& event : batch_) happen(event);
    start_ready();
  }
  require_all_ended();
}

void Engine::happen(const Event& event) {
  switch (static_cast<Happening>(event.kind)) {
    case Happening::compute_ends: return end_compute(static_cast<StepId>(event.id));
    case Happening::message_ends: return end_message(static_cast<MessageId>(event.id));
    case Happening::latency_ends: return end_latency(static_cast<MessageId>(event.id));
    case Happening::resource_due: return end_due_jobs(event.id);
  }
}

void Engine::start_ready() {
  for (const MessageId message : ready_transfers_) transfer(message);
  ready_transfers_.clear();
  for (const StepId step : ready_compute_) start_compute(step);
  ready_compute_.clear();
  for (const StepId step : ready_ends_) arm(step);
  ready_ends_.clear();
  for (const MessageId message : ready_messages_) activate(message);
  ready_messages_.clear();
  start_guarded_compute();
}

/// `step` is at the head of its stream: it is ready, or waits for the first of its edges that is not met yet.
void Engine::reach(StepId step, std::uint32_t edges_met) {
  const std::span<const StepId> edges = program_.after(step);
  for (; edges_met < edges.size(); ++edges_met) {
    if (!states_.ended(edges[edges_met])) return states_.wait(step, edges[edges_met], edges_met);
  }
  const Step& entry = steps_[index_of(step)];
  if (is_message_end(entry.kind)) ready_ends_.push_back(step);
  else if (guard_.guards(rules_[entry.object].worker)) ready_guarded_.push_back(step);
  else ready_compute_.push_back(step);
}

void Engine::end_step(StepId step) {
  ++ended_;
  states_.end(step, now_, [this](StepId woken, std::uint32_t edges_met) { reach(woken, edges_met); });
  const std::uint32_t next = index_of(step) + 1;
  if (next < step_count_ && steps_[next].stream == steps_[next - 1].stream) reach(static_cast<StepId>(next), 0);
}

void Engine::start_compute(StepId step) {
  const WorkRule& rule = rules_[steps_[index_of(step)].object];
  states_.begin(step, now_);
  if (rule.resource == kExclusive || rule.time == 0) schedule(rule.time, Happening::compute_ends, index_of(step));
  else join(rule.resource, step, rule.time);
}

void Engine::start_guarded_compute() {
  for (const StepId step : ready_guarded_) {
    if (guard_.may_compute(rules_[steps_[index_of(step)].object].worker, step)) start_compute(step);
  }
  ready_guarded_.clear();
}

void Engine::end_compute(StepId step) {
  const WorkerId worker = rules_[steps_[index_of(step)].object].worker;
  if (guard_.guards(worker)) guard_.compute_ended(worker, ready_messages_);
  end_step(step);
}

/// One end of a message is ready; the message is, once the other is too.
void Engine::arm(StepId send_or_receive) {
  const auto id = static_cast<MessageId>(steps_[index_of(send_or_receive)].object);
  const Message& message = program_.messages()[index_of(id)];
  states_.arm(send_or_receive);
  if (!states_.armed(message.send) || !states_.armed(message.receive)) return;
  guard_.message_ready(program_.channels()[index_of(message.channel)]);
  ready_messages_.push_back(id);
}

void Engine::activate(MessageId id) {
  const Message& message = program_.messages()[index_of(id)];
  const Channel& channel = program_.channels()[index_of(message.channel)];
  if (guard_.guards(channel) && !guard_.may_move(channel, id)) return;
  states_.begin(message.send, now_);
  states_.begin(message.receive, now_);
  const ChannelPrice& price = prices_.channels[index_of(message.channel)];
  if (price.resource == kExclusive)
    return schedule(later(price.latency.count, price.transfer.count), Happening::message_ends, index_of(id));
  const bool busy = resources_[price.resource].saturated();
  schedule((busy ? price.busy_latency : price.latency).count, Happening::latency_ends, index_of(id));
}

void Engine::end_latency(MessageId id) {
  const ChannelPrice& price = prices_.channels[index_of(program_.messages()[index_of(id)].channel)];
  if (price.transfer.count == 0) end_message(id);
  else ready_transfers_.push_back(id);
}

void Engine::transfer(MessageId id) {
  const Message& message = program_.messages()[index_of(id)];
  const ChannelPrice& price = prices_.channels[index_of(message.channel)];
  join(price.resource, message.send, price.transfer.count);
}

void Engine::end_message(MessageId id) {
  const Message& message = program_.messages()[index_of(id)];
  guard_.message_ended(program_.channels()[index_of(message.channel)], ready_guarded_);
  end_step(message.send);
  end_step(message.receive);
}

void Engine::end_due_jobs(std::uint32_t resource) {
  pending_[resource] = ProcessorSharing::kNever;
  finished_.clear();
  resources_[resource].finish_due(now_, finished_);
  for (const std::uint32_t job : finished_) {
    const Step& step = steps_[job];
    if (is_message_end(step.kind)) end_message(static_cast<MessageId>(step.object));
    else end_compute(static_cast<StepId>(job));
  }
  schedule(resource);
}

void Engine::join(std::uint32_t resource, StepId job, std::int64_t work) {
  resources_[resource].add(now_, index_of(job), work);
  schedule(resource);
}

/// Sees to it that the queue holds an event for the resource's next end, or an earlier one that will look again.
void Engine::schedule(std::uint32_t resource) {
  const std::int64_t end = resources_[resource].next_end();
  if (end >= pending_[resource]) return;
  pending_[resource] = end;
  queue_.push({end, resource, static_cast<std::uint32_t>(Happening::resource_due)});
}

void Engine::schedule(std::int64_t duration, Happening what, std::uint32_t id) {
  queue_.push({later(now_, duration), id, static_cast<std::uint32_t>(what)});
}

void Engine::require_all_ended() const {
  if (ended_ == step_count_) return;
  for (const Stream& stream : program_.streams()) {
    for (std::uint32_t i = 0; i < stream.count; ++i) {
      const auto step = static_cast<StepId>(index_of(stream.first) + i);
      if (states_.ended(step)) continue;
      invariant(false, fmt::format("the simulation stops at {} ps with {} of {} steps run; blocked: {}", now_, ended_,
                                   step_count_, program_.describe(step)));
    }
  }
}

}  // namespace tandem
