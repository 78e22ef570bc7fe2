#include "exec/stop_control.hpp"

#include <chrono>
#include <thread>

#include "exec/clock.hpp"

namespace tandem {
namespace {

using namespace std::chrono_literals;
constexpr auto kSpinLimit = 200ms;   // who waits for longer leaves its core to whoever else is on this machine
constexpr auto kTakenAway = 100us;   // a yield that takes longer gave the core to another process
constexpr auto kNoSpinning = 100ms;  // after that

/// Offers the core to other processes; false where one took it, or where the wait has been long.
bool may_spin_on(Crowd& crowd, Instant start) {
  const Instant before = now();
  std::this_thread::yield();
  const Instant after = now();
  if (after - before > kTakenAway) crowd.forbid_spinning(after + kNoSpinning);
  return after - before <= kTakenAway && after - start < kSpinLimit;
}

}  // namespace

bool Signal::has_reached(std::uint32_t target, const StopControl& control) const {
  const std::uint32_t value = value_.load(std::memory_order_acquire);
  control.throw_if_stopped();
  return static_cast<std::int32_t>(value - target) >= 0;
}

/// True once the target is reached; false when the thread has left the crowd, to sleep.
bool Signal::spin(std::uint32_t target, StopControl& control) const {
  constexpr int kLooksPerYield = 64;  // a few microseconds
  Crowd& crowd = control.crowd();
  if (has_reached(target, control)) return true;
  const Instant start = now();
  bool may_spin = crowd.may_spin(start);
  for (int looks = 1; !has_reached(target, control); ++looks) {
    if (crowd.leave_if_crowded()) return false;
    if (!may_spin) return crowd.leave(), false;
    if (looks % kLooksPerYield == 0) may_spin = may_spin_on(crowd, start);
    pause_core();
  }
  return true;
}

/// The caller has left the crowd; it is back in it afterwards, counted by whoever woke it or by itself. Sleepers are
/// alike: one that finds another counted in its place leaves its own place to that one.
void Signal::sleep(std::uint32_t seen, Crowd& crowd) {
  sleepers_.fetch_add(1);
  uncounted_.fetch_add(1);
  value_.wait(seen);
  sleepers_.fetch_sub(1);
  std::int32_t uncounted = uncounted_.load();
  while (uncounted > 0 && !uncounted_.compare_exchange_weak(uncounted, uncounted - 1)) {
  }
  if (uncounted > 0) crowd.enter();
}

void Signal::wake_sleepers(Crowd& crowd) {
  if (const std::int32_t uncounted = uncounted_.exchange(0); uncounted > 0) crowd.enter(uncounted);
  value_.notify_all();
}

void Signal::wait_for(std::uint32_t target, StopControl& control) {
  while (!spin(target, control)) {
    const std::uint32_t seen = value_.load();
    const bool ended = control.stopped() || static_cast<std::int32_t>(seen - target) >= 0;
    if (ended) control.crowd().enter();
    else sleep(seen, control.crowd());
  }
}

/// Any other value wakes a waiter; it has seen the stop before it looks at the number.
void Signal::wake() {
  value_.fetch_xor(0x80000000u, std::memory_order_acq_rel);
  value_.notify_all();
}

void StopControl::fail(std::exception_ptr error) {
  const std::lock_guard lock(mutex_);
  if (error_) return;
  error_ = std::move(error);
  stopped_.store(true, std::memory_order_release);
  for (Signal* signal : signals_) signal->wake();
}

}  // namespace tandem
