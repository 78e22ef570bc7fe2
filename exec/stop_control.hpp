#pragma once
// How a run ends early: the first error wins, and every thread that waits for something wakes up.

#include <atomic>
#include <cstdint>
#include <exception>
#include <mutex>
#include <vector>

#include "exec/bound_threads.hpp"
#include "exec/crowd.hpp"

namespace tandem {

/// Thrown in a thread whose run has been stopped by another; ends that thread, and is no error of its own.
struct Stopped {};

class StopControl;

/// A counter that one thread advances and others wait for. It counts on over iterations, modulo 2^32; a target lies
/// less than 2^31 ahead.
class alignas(64) Signal {
 public:
  void advance(Crowd& crowd) {
    value_.fetch_add(1);
    if (sleepers_.load() > 0) wake_sleepers(crowd);
  }
  /// Blocks until the counter has reached `target`; what its threads did before that is visible then. Spins first, as
  /// Crowd says. Throws Stopped.
  void wait_for(std::uint32_t target, StopControl& control);
  std::uint32_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  friend class StopControl;
  bool has_reached(std::uint32_t target, const StopControl& control) const;
  bool spin(std::uint32_t target, StopControl& control) const;
  void sleep(std::uint32_t seen, Crowd& crowd);
  void wake_sleepers(Crowd& crowd);
  void wake();
  std::atomic<std::uint32_t> value_{0};
  std::atomic<std::int32_t> sleepers_{0};
  std::atomic<std::int32_t> uncounted_{0};  ///< sleepers that nobody has counted into the crowd again
};

class StopControl {
 public:
  /// `cores`: how many threads may be awake before those that wait go to sleep.
  explicit StopControl(std::int64_t cores = usable_cores()) : crowd_(cores) {}

  /// Signals to wake at the end; before threads start. They outlive the control's last use.
  void watch(Signal& signal) { signals_.push_back(&signal); }

  /// Keeps the first error, and wakes all threads. From any thread.
  void fail(std::exception_ptr error);
  bool stopped() const { return stopped_.load(std::memory_order_acquire); }
  void throw_if_stopped() const {
    if (stopped()) throw Stopped{};
  }
  Crowd& crowd() { return crowd_; }
  /// After all threads have ended.
  void rethrow() const {
    if (error_) std::rethrow_exception(error_);
  }

 private:
  std::atomic<bool> stopped_{false};
  std::mutex mutex_;
  std::exception_ptr error_;
  std::vector<Signal*> signals_;
  Crowd crowd_;
};

}  // namespace tandem
