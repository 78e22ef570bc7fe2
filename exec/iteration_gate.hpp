#pragma once
// The gate between iterations: the last thread to arrive ends one iteration and opens the next.

#include <functional>

#include "exec/stop_control.hpp"

namespace tandem {

class IterationGate {
 public:
  /// `between(k)` runs on the last thread of the k-th arrival (from 0), ordered after all that the others did before.
  IterationGate(std::uint32_t threads, StopControl& control, std::function<void(std::int64_t)> between)
      : threads_(threads), missing_(threads), control_(control), between_(std::move(between)) {
    control.watch(opened_);
  }

  /// Does not wait. Throws what `between` throws.
  void arrive();
  /// Blocks until all have arrived `times` times. Throws Stopped.
  void pass(std::int64_t times) { opened_.wait_for(static_cast<std::uint32_t>(times), control_); }
  std::uint32_t times_opened() const { return opened_.value(); }

 private:
  const std::uint32_t threads_;
  std::atomic<std::uint32_t> missing_;
  Signal opened_;
  StopControl& control_;
  std::function<void(std::int64_t)> between_;
  std::int64_t arrivals_ = 0;  ///< of the last thread
};

}  // namespace tandem
