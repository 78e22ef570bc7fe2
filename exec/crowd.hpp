#pragma once
// The crowd: how many threads of a run hold a core, so that who waits spins only while no other thread wants that core.
//
// A hand-over to a thread that spins takes about a microsecond; to one that sleeps some tens, and more the longer its
// core has slept. So a thread that waits spins as long as there are no more threads awake than cores; else it sleeps, and
// the core is the others'. Who wakes sleepers counts them in, before the system has found them a core: a thread that
// spins on the core that they need leaves it at once. And where another process turns out to want a core that somebody
// spins on, nobody of the run spins for a while.

#include <atomic>
#include <cstdint>

#include "exec/clock.hpp"

namespace tandem {

/// Tells the core that the thread spins.
inline void pause_core() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#endif
}

class Crowd {
 public:
  explicit Crowd(std::int64_t cores) : cores_(static_cast<std::int32_t>(cores)) {}

  void enter(std::int32_t threads = 1) { awake_.fetch_add(threads, std::memory_order_acq_rel); }
  void leave() { awake_.fetch_sub(1, std::memory_order_acq_rel); }
  /// Leaves if more threads are awake than there are cores, so that of several that ask only the surplus goes.
  bool leave_if_crowded() {
    std::int32_t awake = awake_.load(std::memory_order_relaxed);
    while (awake > cores_)
      if (awake_.compare_exchange_weak(awake, awake - 1, std::memory_order_acq_rel)) return true;
    return false;
  }
  std::int32_t awake() const { return awake_.load(std::memory_order_relaxed); }

  /// Nobody spins until then.
  void forbid_spinning(Instant until) { calm_.store(until.time_since_epoch().count(), std::memory_order_relaxed); }
  bool may_spin(Instant now) const { return now.time_since_epoch().count() >= calm_.load(std::memory_order_relaxed); }

 private:
  const std::int32_t cores_;
  std::atomic<Instant::rep> calm_{0};
  alignas(64) std::atomic<std::int32_t> awake_{0};
};

/// Counts the calling thread in for as long as this lives.
class InCrowd {
 public:
  explicit InCrowd(Crowd& crowd) : crowd_(crowd) { crowd_.enter(); }
  ~InCrowd() { crowd_.leave(); }
  InCrowd(const InCrowd&) = delete;
  InCrowd& operator=(const InCrowd&) = delete;

 private:
  Crowd& crowd_;
};

}  // namespace tandem
