#include "exec/pacer.hpp"

#include <sys/prctl.h>

#include <algorithm>
#include <thread>

namespace tandem {
namespace {

std::chrono::nanoseconds nanoseconds_of(Picoseconds time) { return std::chrono::nanoseconds(time.count / 1000); }

}  // namespace

void Pacer::hold_work(std::uint32_t work, Instant start) const {
  if (pacing_) hold(pacing_->work.at(work), start);
}

std::chrono::nanoseconds Pacer::message_time(ChannelId channel) const {
  return pacing_ ? nanoseconds_of(pacing_->channel.at(index_of(channel))) : std::chrono::nanoseconds(0);
}

void Pacer::hold_collective(CollectiveSpecId spec, Instant start) const {
  if (pacing_) hold(pacing_->collective.at(index_of(spec)), start);
}

void Pacer::hold_copy(std::uint32_t spec, Instant start) const {
  if (pacing_) hold(pacing_->copy.at(spec), start);
}

std::chrono::nanoseconds Pacer::longest() const {
  Picoseconds most{0};
  if (pacing_)
    for (const auto* targets : {&pacing_->work, &pacing_->channel, &pacing_->collective, &pacing_->copy})
      for (const Picoseconds target : *targets) most = std::max(most, target);
  return nanoseconds_of(most);
}

void Pacer::hold(Picoseconds target, Instant start) const { hold_until(start + nanoseconds_of(target)); }

/// Linux lets timers of a thread come 50 us late (prctl(2), PR_SET_TIMERSLACK) unless it asks otherwise.
void Pacer::ask_for_prompt_timers() { prctl(PR_SET_TIMERSLACK, 1UL, 0UL, 0UL, 0UL); }

/// Sleeps for the bulk in slices short enough to be stopped between them, and spins for the last stretch: to give way to
/// another thread there might cost a whole turn of the scheduler.
void Pacer::hold_until(Instant end) const {
  constexpr std::chrono::milliseconds kSlice{20};
  if (now() + kLast < end) ask_for_prompt_timers();
  while (now() + kLast < end) {
    control_.throw_if_stopped();
    control_.crowd().leave();
    std::this_thread::sleep_until(std::min(end - kLast, now() + kSlice));
    control_.crowd().enter();
  }
  while (now() < end) pause_core();
}

}  // namespace tandem
