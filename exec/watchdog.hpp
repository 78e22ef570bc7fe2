#pragma once
// The watchdog: a thread of its own that turns a hang into a report and an end.

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <thread>

namespace tandem {

class Watchdog {
 public:
  struct Watch {
    std::chrono::nanoseconds stall_after;
    std::function<std::uint64_t()> progress;  ///< any other value: something has ended
    std::function<void()> stalled;            ///< called at most once
  };
  /// Starts watching. Throws std::system_error when no thread can be made.
  explicit Watchdog(Watch watch);
  /// Ends and joins its thread.
  ~Watchdog();
  Watchdog(const Watchdog&) = delete;
  Watchdog& operator=(const Watchdog&) = delete;

 private:
  void run();

  Watch watch_;
  std::mutex mutex_;
  std::condition_variable ended_;
  bool end_ = false;
  std::thread thread_;
};

}  // namespace tandem
