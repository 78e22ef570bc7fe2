#pragma once
// Holds a step until the time that another device would have taken for it has passed.

#include "exec/clock.hpp"
#include "exec/run.hpp"
#include "exec/stop_control.hpp"

namespace tandem {

class Pacer {
 public:
  /// Both outlive this. Without `pacing` nothing is held.
  Pacer(const std::optional<Pacing>& pacing, const StopControl& control) : pacing_(pacing), control_(control) {}

  /// Block until the target after `start`. Throw Stopped.
  void hold_work(std::uint32_t work, Instant start) const;
  void hold_message(ChannelId channel, Instant start) const;
  void hold_collective(CollectiveSpecId spec, Instant start) const;
  void hold_copy(std::uint32_t spec, Instant start) const;
  /// The longest of all targets.
  std::chrono::nanoseconds longest() const;

 private:
  void hold(Picoseconds target, Instant start) const;

  const std::optional<Pacing>& pacing_;
  const StopControl& control_;
};

}  // namespace tandem
