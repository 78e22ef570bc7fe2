#pragma once
// How a run ends early: the first error wins, and every thread that waits for something wakes up.

#include <atomic>
#include <cstdint>
#include <exception>
#include <mutex>
#include <vector>

namespace tandem {

/// Thrown in a thread whose run has been stopped by another; ends that thread, and is no error of its own.
struct Stopped {};

class StopControl;

/// A counter that one thread advances and others wait for. It counts on over iterations, modulo 2^32; a target lies
/// less than 2^31 ahead.
class alignas(64) Signal {
 public:
  void advance() {
    value_.fetch_add(1, std::memory_order_release);
    value_.notify_all();
  }
  /// Blocks until the counter has reached `target`; what its threads did before that is visible then. Throws Stopped.
  void wait_for(std::uint32_t target, const StopControl& control) const;
  std::uint32_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  friend class StopControl;
  void wake();
  std::atomic<std::uint32_t> value_{0};
};

class StopControl {
 public:
  /// Signals to wake at the end; before threads start. They outlive the control's last use.
  void watch(Signal& signal) { signals_.push_back(&signal); }

  /// Keeps the first error, and wakes all threads. From any thread.
  void fail(std::exception_ptr error);
  bool stopped() const { return stopped_.load(std::memory_order_acquire); }
  void throw_if_stopped() const {
    if (stopped()) throw Stopped{};
  }
  /// After all threads have ended.
  void rethrow() const {
    if (error_) std::rethrow_exception(error_);
  }

 private:
  std::atomic<bool> stopped_{false};
  std::mutex mutex_;
  std::exception_ptr error_;
  std::vector<Signal*> signals_;
};

}  // namespace tandem
