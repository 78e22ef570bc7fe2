#include "sim/engine.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.hpp"
#include "sim/clock.hpp"
#include "sim/drain.hpp"
#include "sim/prices_fit.hpp"

namespace tandem {
Engine::Engine(const Program& program, const Prices& prices, std::vector<Span>& spans, Foresight foresight)
    : program_(program), prices_(prices), steps_(program.steps().data()),
      step_count_(static_cast<std::uint32_t>(program.step_count())), states_(spans), guard_(program, prices),
      hardware_(program, prices, queue_), rounds_(program, prices), forecasts_(program, prices, hardware_, foresight) {
  require_prices_fit(program, prices);
  invariant(spans.size() == program.step_count(), "every step has a span");
  for (std::size_t i = 0; i < prices.works.size(); ++i) {
    const StepWork& work = program.works()[i];
    const bool on_host = work.stream == StreamKind::host;
    const auto& resources = on_host ? prices.host_resource : prices.worker_resource;
    rules_.push_back({prices.works[i].time.count, resources[index_of(work.worker)], index_of(work.worker) & 0x7fffffffu,
                      !on_host && guard_.guards(work.worker) ? 1u : 0u});
  }
  for (std::size_t i = 0; i < prices.collectives.size(); ++i)
    starts_whole_.push_back(prices.collectives[i].closed_form.has_value() ||
                            guard_.guards_any(program.collective_specs()[i].members));
  if (std::find(starts_whole_.begin(), starts_whole_.end(), true) != starts_whole_.end())
    arrived_.assign(program.collectives().size(), 0);
}

void Engine::run() {
  for (const Stream& stream : program_.streams()) {
    if (stream.count > 0) reach(stream.first, 0);
  }
  start_ready();
  settle();
  while (queue_.pop_batch(batch_)) {
    now_ = queue_.now();
    for (const Event& event : batch_) happen(event);
    start_ready();
    settle();
  }
  require_all_ended();
}

/// `gather` fills finished_ with the steps whose jobs are over.
template <class Gather>
void Engine::end_each(Gather gather) {
  finished_.clear();
  gather();
  for (const std::uint32_t job : finished_) {
    if (is_compute(steps_[job].kind)) end_compute(static_cast<StepId>(job));
    else end_transfer(static_cast<StepId>(job));
  }
}

void Engine::happen(const Event& event) {
  switch (static_cast<Happening>(event.kind)) {
    case Happening::compute_ends: return end_compute(static_cast<StepId>(event.id));
    case Happening::latency_ends: return end_latency(static_cast<StepId>(event.id));
    case Happening::transfer_ends: return end_transfer(static_cast<StepId>(event.id));
    case Happening::member_ends: return end_member(static_cast<StepId>(event.id));
    case Happening::foreseen_end: return end_foreseen(static_cast<StepId>(event.id));
    case Happening::collective_ends: return end_whole(static_cast<CollectiveId>(event.id));
    case Happening::resource_due: return end_each([&] { hardware_.end_jobs(event.id, finished_); });
    case Happening::network_due: return end_each([&] { hardware_.end_flows(finished_); });
    case Happening::link_due: return end_each([&] { hardware_.end_flows_on(event.id, finished_); });
  }
}

void Engine::start_ready() {
  drain(ready_transfers_, [this](StepId sender) { transfer(sender); });
  hardware_.schedule_flows();
  drain(ready_compute_, [this](StepId step) { start_compute(step); });
  drain(ready_ends_, [this](StepId step) {
    const StepKind kind = steps_[index_of(step)].kind;
    if (is_copy(kind)) reach_copy(step);
    else if (kind == StepKind::collective) arrive(step);
    else arm(step);
  });
  drain(ready_copies_, [this](StepId copy) { start_copy(copy); });
  drain(ready_wholes_, [this](CollectiveId collective) { start_whole(collective); });
  drain(ready_messages_, [this](StepId send) { activate(send); });
  drain(ready_exchanges_, [this](StreamId sender) { activate(sender); });
  hardware_.schedule_flows();  // what came in the way of others
  start_guarded_compute();
}

/// Once all of this instant has happened, cores are handed out.
void Engine::settle() {
  if (queue_.more_now()) return;
  hardware_.settle([this](StepId step, std::int64_t time) {
    if (is_compute(steps_[index_of(step)].kind)) states_.begin(step, time);
  });
}

/// `step` is at the head of its stream: it is ready, or waits for the first of its edges that is not met yet.
void Engine::reach(StepId step, std::uint32_t edges_met) {
  const std::span<const StepId> edges = program_.after(step);
  for (; edges_met < edges.size(); ++edges_met) {
    if (!states_.ended(edges[edges_met])) return states_.wait(step, edges[edges_met], edges_met);
  }
  const Step& entry = steps_[index_of(step)];
  if (!is_compute(entry.kind)) ready_ends_.push_back(step);
  else if (rules_[entry.object].guarded) ready_guarded_.push_back(step);
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
  if (rule.resource != kExclusive && rule.time > 0)
    return hardware_.add_job(steps_[index_of(step)].stream, step, rule.time);
  states_.begin(step, now_);
  schedule(rule.time, Happening::compute_ends, index_of(step));
}

void Engine::start_guarded_compute() {
  for (const StepId step : ready_guarded_) {
    if (guard_.may_compute(rules_[steps_[index_of(step)].object].worker(), step)) start_compute(step);
  }
  ready_guarded_.clear();
}

void Engine::end_compute(StepId step) {
  const WorkRule& rule = rules_[steps_[index_of(step)].object];
  if (rule.guarded) release_exchanges(rule.worker());
  end_step(step);
}

void Engine::release_exchanges(WorkerId worker) {
  guard_.compute_ended(worker, released_);
  drain(released_, [this](StepId step) {
    if (is_copy(steps_[index_of(step)].kind)) ready_copies_.push_back(step);
    else if (steps_[index_of(step)].kind == StepKind::send) ready_messages_.push_back(step);
    else ready_wholes_.push_back(program_.collective_members()[steps_[index_of(step)].object].collective);
  });
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
      invariant(false, fmt::format("the simulation stops at {} ps with {} of {} steps run; blocked: {}{}", now_, ended_,
                                   step_count_, program_.describe(step), absent_member(step)));
    }
  }
}

/// Of a collective that has been reached: one that has not come to it.
std::string Engine::absent_member(StepId step) const {
  if (steps_[index_of(step)].kind != StepKind::collective || !states_.reached(step)) return {};
  for (const CollectiveMember& member : program_.members(program_.collective(step)))
    if (!states_.reached(member.step))
      return fmt::format("; \"{}\" has not come", program_.workers()[index_of(program_.worker_of(member.step))].name);
  return {};
}

}  // namespace tandem
