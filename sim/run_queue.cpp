#include "sim/run_queue.hpp"

#include <algorithm>
#include <cmath>
#include <tuple>
#include <utility>

#include "base/error.hpp"
#include "sim/clock.hpp"

namespace tandem {

RunQueue::RunQueue(const SharedResource& resource, const std::vector<std::uint32_t>& worker_of)
    : resource_(&resource), cores_(static_cast<std::size_t>(resource.cores)), threads_(worker_of.size()) {
  invariant(resource.cores > 0, "a shared resource has a core");
  invariant(resource.tick.count > 0, "time passes between ticks");
  const auto positive = [](double factor) { return factor > 0; };
  invariant(std::ranges::all_of(resource.slowdown, positive), "a slowdown is positive");
  for (std::uint32_t i = 0; i < threads_.size(); ++i) {
    threads_[i].worker = worker_of[i];
    threads_[i].core = i % static_cast<std::uint32_t>(cores_.size());
  }
}

void RunQueue::add(std::uint32_t thread, std::uint32_t job, std::int64_t work, bool urgent) {
  Thread& mine = threads_[thread];
  const auto rank = [](const Job& entry) { return std::tuple(!entry.has_begun, !entry.urgent, entry.id); };
  const Job added{job, false, urgent, Progress{work} << kFractionBits};
  mine.jobs.insert(std::ranges::upper_bound(mine.jobs, rank(added), {}, rank), added);
  if (std::exchange(mine.is_idle, false)) joining_.push_back(thread);
}

void RunQueue::finish_due(std::int64_t now, std::vector<std::uint32_t>& finished) {
  advance(now);
  for (std::uint32_t i = 0; i < cores_.size(); ++i) {
    Core& core = cores_[i];
    if (core.thread == kNobody || time_left(core.end) >= 0.5 || std::ranges::count(left_, i) > 0) continue;
    Thread& thread = threads_[core.thread];
    finished.push_back(thread.jobs.front().id);
    thread.jobs.erase(thread.jobs.begin());
    left_.push_back(i);
  }
}

void RunQueue::settle(std::int64_t now, std::vector<Start>& started) {
  advance(now);
  continue_threads(now, started);
  std::ranges::sort(joining_);
  for (const std::uint32_t thread : std::exchange(joining_, {})) wake(thread, now, started);
  if (waiting_ > 0 && now % resource_->tick.count == 0)
    for (Core& core : cores_) end_turn(core, now, started);
  for (const std::uint32_t core : left_) serve(core, now, started);
  left_.clear();
  if (running_ == 0) progress_ = 0;
  set_next(now);
}

/// Those whose job has ended go on with the next one, or leave their core to whoever waits for it.
void RunQueue::continue_threads(std::int64_t now, std::vector<Start>& started) {
  for (const std::uint32_t at : left_) {
    Core& core = cores_[at];
    --running_;
    const std::uint32_t thread = std::exchange(core.thread, kNobody);
    if (!threads_[thread].jobs.empty()) {
      run(thread, at, core.since, now, started);
      continue;
    }
    threads_[thread].is_idle = true;
    const auto of_worker = [&](std::uint32_t other) { return threads_[other].worker == threads_[thread].worker; };
    const auto heir = std::ranges::find_if(joining_, of_worker);
    if (heir != joining_.end()) {
      run(*heir, at, core.since, now, started);
      joining_.erase(heir);
    } else if (!core.waiting.empty()) {
      run(take_first(core), at, now, now, started);
    }
  }
}

void RunQueue::wake(std::uint32_t thread, std::int64_t now, std::vector<Start>& started) {
  const std::uint32_t idle = idle_core_for(threads_[thread]);
  if (idle != kNobody) return run(thread, idle, now, later(now, resource_->wake.count), started);
  wait_for(cores_[threads_[thread].core], thread, now);
}

void RunQueue::wait_for(Core& core, std::uint32_t thread, std::int64_t now) {
  threads_[thread].waits_since = now;
  core.waiting.push_back(thread);
  ++waiting_;
}

std::uint32_t RunQueue::idle_core_for(const Thread& thread) const {
  if (running_ == cores_.size()) return kNobody;
  if (is_idle(cores_[thread.core])) return thread.core;
  const auto core = std::ranges::find_if(cores_, [this](const Core& other) { return is_idle(other); });
  return core == cores_.end() ? kNobody : static_cast<std::uint32_t>(core - cores_.begin());
}

/// Who has had its slice makes room for who waits.
void RunQueue::end_turn(Core& core, std::int64_t now, std::vector<Start>& started) {
  if (core.thread == kNobody || core.waiting.empty() || now - core.since < resource_->slice.count) return;
  Thread& thread = threads_[core.thread];
  thread.jobs.front().left = core.end - progress_;
  --running_;
  wait_for(core, core.thread, now);
  run(take_first(core), thread.core, now, now, started);
}

/// A core that has nothing to do helps out another one.
void RunQueue::serve(std::uint32_t at, std::int64_t now, std::vector<Start>& started) {
  if (waiting_ == 0 || !is_idle(cores_[at])) return;
  run(take_first(longest_waited_for()), at, now, now, started);
}

RunQueue::Core& RunQueue::longest_waited_for() {
  return *std::ranges::min_element(cores_, {}, [this](const Core& core) {
    return core.waiting.empty() ? kNever : threads_[core.waiting.front()].waits_since;
  });
}

std::uint32_t RunQueue::take_first(Core& core) {
  const std::uint32_t thread = core.waiting.front();
  core.waiting.erase(core.waiting.begin());
  --waiting_;
  return thread;
}

void RunQueue::run(std::uint32_t thread, std::uint32_t core, std::int64_t since, std::int64_t begin,
                   std::vector<Start>& started) {
  Job& job = threads_[thread].jobs.front();
  threads_[thread].core = core;
  if (!std::exchange(job.has_begun, true)) started.push_back({job.id, begin});
  cores_[core].thread = thread;
  cores_[core].since = since;
  cores_[core].end = progress_ + job.left + (Progress{begin - time_} << kFractionBits);
  ++running_;
}

void RunQueue::set_next(std::int64_t now) {
  next_ = kNever;
  const std::size_t threads = running_ + waiting_;
  while (rates_.size() <= threads) rates_.push_back(rate_of(rates_.size()));
  rate_ = rates_[threads];
  if (running_ == 0) return;
  Progress end = Progress{1} << 126;
  for (const Core& core : cores_)
    if (core.thread != kNobody) end = std::min(end, core.end);
  const std::int64_t left = rate_.stretch == 1.0  // exact, however long
      ? static_cast<std::int64_t>((end - progress_ + (Progress{1} << (kFractionBits - 1))) >> kFractionBits)
      : to_whole_picoseconds(time_left(end));
  next_ = later(now, left);
  if (waiting_ > 0) next_ = std::min(next_, later(now, resource_->tick.count - now % resource_->tick.count));
}

double RunQueue::time_left(Progress end) const {
  const Progress left = end - progress_;
  const auto whole = static_cast<std::int64_t>(left >> kFractionBits);
  const auto fraction = static_cast<std::int64_t>(left - (Progress{whole} << kFractionBits));
  return (static_cast<double>(whole) + std::ldexp(static_cast<double>(fraction), -kFractionBits)) * rate_.stretch;
}

void RunQueue::advance(std::int64_t now) {
  invariant(now >= time_, "virtual time runs forward");
  const std::int64_t elapsed = now - time_;
  time_ = now;
  if (running_ == 0 || elapsed == 0) return;
  progress_ += Progress{elapsed} * rate_.progress;
  occupancy_ += static_cast<double>(elapsed) * static_cast<double>(running_);
}

bool RunQueue::has_left(std::uint32_t worker) const {
  return std::ranges::any_of(left_, [&](std::uint32_t core) { return threads_[cores_[core].thread].worker == worker; });
}

RunQueue::Rate RunQueue::rate_of(std::size_t threads) const {
  const std::vector<double>& slowdown = resource_->slowdown;
  const double stretch = slowdown.empty() ? 1.0 : slowdown[std::min(threads, slowdown.size() - 1)];
  return {static_cast<std::int64_t>(std::ldexp(1.0, kFractionBits) / stretch), stretch};
}

}  // namespace tandem
