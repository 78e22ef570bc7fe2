#include "exec/watchdog.hpp"

#include <algorithm>
#include <utility>

#include "exec/clock.hpp"

namespace tandem {

Watchdog::Watchdog(Watch watch) : watch_(std::move(watch)), thread_([this] { run(); }) {}

Watchdog::~Watchdog() {
  {
    const std::lock_guard lock(mutex_);
    end_ = true;
  }
  ended_.notify_all();
  thread_.join();
}

void Watchdog::run() {
  using std::chrono::nanoseconds;
  const nanoseconds look_every = std::clamp<nanoseconds>(watch_.stall_after / 8, std::chrono::milliseconds(1),
                                                         std::chrono::milliseconds(250));
  std::uint64_t seen = watch_.progress();
  nanoseconds quiet{0};
  Instant last_look = now();
  std::unique_lock lock(mutex_);
  while (!ended_.wait_for(lock, look_every, [this] { return end_; })) {
    const Instant look = now();
    // A process that was suspended as a whole has not stalled: a long gap between two looks counts as a short one.
    quiet += std::min<nanoseconds>(look - std::exchange(last_look, look), 2 * look_every);
    if (const std::uint64_t progress = watch_.progress(); std::exchange(seen, progress) != progress) quiet = {};
    if (quiet < watch_.stall_after) continue;
    lock.unlock();
    return watch_.stalled();
  }
}

}  // namespace tandem
