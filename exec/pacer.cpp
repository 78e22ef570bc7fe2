#include "exec/pacer.hpp"

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

/// Sleeps for the bulk in slices short enough to be stopped between them; the last stretch gives way to other threads
/// instead.
void Pacer::hold_until(Instant end) const {
  constexpr std::chrono::milliseconds kSlice{20};
  while (now() + kLast < end) {
    control_.throw_if_stopped();
    control_.crowd().leave();
    std::this_thread::sleep_until(std::min(end - kLast, now() + kSlice));
    control_.crowd().enter();
  }
  while (now() < end) std::this_thread::yield();
}

}  // namespace tandem
