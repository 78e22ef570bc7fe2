#pragma once
// Which collectives and copies a worker's compute thread runs itself.
//
// 1. A step that waits for the compute step before it, and that the compute step after it waits for, needs no thread of
//    its own: no time could be overlapped, and a hand-over to another thread costs some.
// 2. Where no core is left for a thread beside the computing ones, a step that could overlap compute steps runs after
//    them, just before the one that waits for it. None of those may wait for anything but the step before it, so that what
//    the step comes to wait for it has waited for before: nothing can dead-lock that did not.
// 3. Before one compute step only those of one stream do: with two, two workers might enter two collectives in opposite
//    orders.

#include <span>
#include <vector>

#include "exec/waits.hpp"
#include "plan/program.hpp"

namespace tandem {

class InlineSteps {
 public:
  /// `overlaps`: there is a core to overlap on, so that only steps of the first kind are inline.
  InlineSteps(const Program& program, const Waits& waits, bool overlaps);

  /// Those to run just before the compute step, in order.
  std::span<const StepId> before(StepId compute) const {
    const Run& run = before_[index_of(compute)];
    return {steps_.data() + run.first, run.count};
  }
  bool contains(StepId step) const { return inline_[index_of(step)]; }
  /// Are all of the stream's steps inline?
  bool contains_all(StreamId stream) const;

 private:
  struct Run {
    std::uint32_t first = 0, count = 0;  ///< in steps_
  };
  void add_worker(const Stream& compute, const Waits& waits, std::vector<std::uint32_t>& claimed);
  void add_until(const Wait& wait, StepId compute, std::uint32_t earliest, std::uint32_t& claimed);

  const Program& program_;
  const bool overlaps_;
  std::vector<std::uint32_t> computed_;  ///< by StepId: compute steps of its worker that have ended when it may start
  std::vector<Run> before_;              ///< by StepId
  std::vector<StepId> steps_;
  std::vector<bool> inline_;             ///< by StepId
};

}  // namespace tandem
