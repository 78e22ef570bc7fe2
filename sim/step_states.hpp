#pragma once
// The state of every step, kept in the place where its span will stand: the engine needs no memory of its own per step.

#include <algorithm>
#include <cstdint>
#include <limits>
#include <vector>

#include "plan/timeline.hpp"

namespace tandem {

/// A step is waiting, then armed (an end of a message, or a member of a collective, that
/// waits for the others), then begun, then ended. Until it
/// begins, `start` holds what it waits for; until it ends, `end` holds the head of the list of steps that wait for it,
/// and a waiting step's `start` the link to the next. All such words are negative, and all times are not.
class StepStates {
 public:
  /// Overwrites `spans`, which must outlive this.
  explicit StepStates(std::vector<Span>& spans) : spans_(spans.data()) {
    std::fill(spans.begin(), spans.end(), kFresh);
  }

  bool ended(StepId step) const { return at(step).end.count >= 0; }
  bool armed(StepId step) const { return at(step).start.count == kArmed; }
  bool reached(StepId step) const { return armed(step) || at(step).start.count >= 0; }

  /// Puts `step` on the list of `earlier`, which has not ended; `edges_met` is remembered for it.
  void wait(StepId step, StepId earlier, std::uint32_t edges_met) {
    std::int64_t& head = at(earlier).end.count;
    at(step).start.count = ~(std::int64_t{edges_met} << 32 | ~head);
    head = ~(std::int64_t{index_of(step)} + 1);
  }
  void arm(StepId step) { at(step).start.count = kArmed; }
  void begin(StepId step, std::int64_t now) { at(step).start.count = now; }

  /// Ends the step and calls woken(step, edges_met) for each one that waited for it, last come first.
  template <class Woken>
  void end(StepId step, std::int64_t now, Woken woken) {
    std::int64_t waiter = ~at(step).end.count;
    at(step).end.count = now;
    while (waiter != 0) {
      const auto next = static_cast<StepId>(waiter - 1);
      const std::int64_t word = ~at(next).start.count;
      woken(next, static_cast<std::uint32_t>(word >> 32));
      waiter = word & 0xffffffff;
    }
  }

 private:
  static constexpr Span kFresh{{-1}, {-1}};
  static constexpr std::int64_t kArmed = std::numeric_limits<std::int64_t>::min();

  Span& at(StepId step) const { return spans_[index_of(step)]; }

  Span* spans_;
};

}  // namespace tandem
