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

void Pacer::hold_message(ChannelId channel, Instant start) const {
  if (pacing_) hold(pacing_->channel.at(index_of(channel)), start);
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

/// Sleeps for the bulk in slices short enough to be stopped between them; a sleep may end some 60 us late, so the last
/// stretch gives way to other threads instead.
void Pacer::hold(Picoseconds target, Instant start) const {
  constexpr std::chrono::milliseconds kSlice{20};
  constexpr std::chrono::microseconds kLast{100};
  const Instant end = start + nanoseconds_of(target);
  while (now() + kLast < end) {
    control_.throw_if_stopped();
    std::this_thread::sleep_until(std::min(end - kLast, now() + kSlice));
  }
  while (now() < end) std::this_thread::yield();
}

}  // namespace tandem
