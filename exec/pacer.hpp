#pragma once
// Holds a step until the time that another device would have taken for it has passed.

#include "exec/clock.hpp"
#include "exec/run.hpp"
#include "exec/stop_control.hpp"

namespace tandem {

class Pacer {
 public:
  /// Both outlive this. Without `pacing` nothing is held.
  Pacer(const std::optional<Pacing>& pacing, StopControl& control) : pacing_(pacing), control_(control) {}

  /// Block until the target after `start`. Throw Stopped.
  void hold_work(std::uint32_t work, Instant start) const;
  /// Until that instant.
  void hold_until(Instant end) const;
  void hold_collective(CollectiveSpecId spec, Instant start) const;
  void hold_copy(std::uint32_t spec, Instant start) const;
  /// How long a message of the channel is under way; zero where it is not paced.
  std::chrono::nanoseconds message_time(ChannelId channel) const;
  bool paces() const { return pacing_.has_value(); }
  /// The calling thread's sleeps end as soon as the system can wake it.
  static void ask_for_prompt_timers();
  /// The longest of all targets.
  std::chrono::nanoseconds longest() const;

  /// A sleep is asked to end this long before its time, since the system may wake a thread late; the rest is spun.
  static constexpr std::chrono::microseconds kLast{100};

 private:
  void hold(Picoseconds target, Instant start) const;

  const std::optional<Pacing>& pacing_;
  StopControl& control_;
};

}  // namespace tandem
