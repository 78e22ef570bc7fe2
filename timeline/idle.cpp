#include "timeline/idle.hpp"

#include <algorithm>

namespace tandem {
namespace {

IdleCause cause_of(StreamKind kind) {
  static constexpr IdleCause kCauses[] = {
      IdleCause::other,           // compute
      IdleCause::own_sends,       // send forward
      IdleCause::forward_input,   // receive forward
      IdleCause::own_sends,       // send backward
      IdleCause::backward_input,  // receive backward
      IdleCause::own_sends,       // send gradient
      IdleCause::tied_gradient,   // receive gradient
      IdleCause::collective,      // data
      IdleCause::collective,      // height
      IdleCause::collective,      // width
      IdleCause::collective,      // tensor
      IdleCause::collective,      // reduce gradients
      IdleCause::collective,      // gather weights
      IdleCause::offload,         // copy out
      IdleCause::offload,         // copy in
      IdleCause::offload,         // host
  };
  static_assert(std::size(kCauses) == kStreamKinds);
  return kCauses[static_cast<std::size_t>(kind)];
}

struct Wait {
  Picoseconds until;
  IdleCause cause;
};

/// What the step waited for last.
Wait last_wait(const Program& program, const Timeline& timeline, StepId step, Picoseconds from) {
  Wait wait{from, IdleCause::other};
  for (const StepId earlier : program.after(step)) {
    const Picoseconds end = timeline.spans[index_of(earlier)].end;
    if (end > wait.until) wait = {end, cause_of(program.stream(program.step(earlier).stream).kind)};
  }
  return wait;
}

}  // namespace

std::string_view name_of(IdleCause cause) {
  static constexpr std::string_view kNames[] = {"start",     "forward_input", "backward_input", "tied_gradient",
                                                "own_sends", "collective",    "offload",        "other",
                                                "drain"};
  static_assert(std::size(kNames) == kIdleCauses);
  return kNames[static_cast<std::size_t>(cause)];
}

void for_each_idle(const Program& program, const Timeline& timeline, WorkerId worker, const Span& iteration,
                   const std::function<void(const Span&, IdleCause)>& visit) {
  const auto visit_unless_empty = [&visit](Picoseconds from, Picoseconds to, IdleCause cause) {
    if (from < to) visit({from, to}, cause);
  };
  Picoseconds cursor = iteration.start;
  bool filled = false;
  for (const StepId step : compute_steps_by_start(program, timeline, worker)) {
    const Span& span = timeline.spans[index_of(step)];
    if (!filled) {
      visit_unless_empty(cursor, span.start, IdleCause::start);
    } else if (cursor < span.start) {
      const Wait wait = last_wait(program, timeline, step, cursor);
      const Picoseconds until = std::min(wait.until, span.start);
      visit_unless_empty(cursor, until, wait.cause);
      visit_unless_empty(until, span.start, IdleCause::other);
    }
    cursor = std::max(cursor, span.end);
    filled = filled || is_micro_batch_work(program.step(step).kind);
  }
  visit_unless_empty(cursor, iteration.end, IdleCause::drain);
}

IdleTimes idle_times(const Program& program, const Timeline& timeline, WorkerId worker, const Span& iteration) {
  IdleTimes times{};
  for_each_idle(program, timeline, worker, iteration, [&times](const Span& span, IdleCause cause) {
    times[static_cast<std::size_t>(cause)] += length_of(span);
  });
  return times;
}

}  // namespace tandem
