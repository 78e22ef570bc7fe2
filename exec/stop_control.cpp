#include "exec/stop_control.hpp"

namespace tandem {
namespace {

bool has_reached(std::uint32_t value, std::uint32_t target) { return static_cast<std::int32_t>(value - target) >= 0; }

}  // namespace

void Signal::wait_for(std::uint32_t target, const StopControl& control) const {
  for (;;) {
    const std::uint32_t value = value_.load(std::memory_order_acquire);
    control.throw_if_stopped();
    if (has_reached(value, target)) return;
    value_.wait(value, std::memory_order_acquire);
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
