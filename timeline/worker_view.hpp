#pragma once
// A timeline seen from one worker: when it computed, and when it exchanged something with others.

#include <vector>

#include "timeline/intervals.hpp"

namespace tandem {

/// From the iteration's first start to its last end; empty where there are no steps.
Span extent_of(const Timeline& timeline);

/// The worker's compute steps by start, ties in the Program's order.
std::vector<StepId> compute_steps_by_start(const Program& program, const Timeline& timeline, WorkerId worker);

Intervals busy_intervals(const Program& program, const Timeline& timeline, WorkerId worker);
/// The union of the messages that the worker sends or receives, and of the collectives that it takes part in.
Intervals transfer_intervals(const Program& program, const Timeline& timeline, WorkerId worker);

/// 1 - busy / makespan, with the makespan of the whole iteration; 0 where nothing took time.
double bubble_fraction(Picoseconds busy, Picoseconds makespan);
/// 1 - busy / (own last end - own first start), as the zero-bubble papers count (2401.10241); 0 where nothing took time.
double own_bubble_fraction(const Intervals& busy);

/// Of one worker, in both ways of counting.
struct Bubbles {
  double whole = 0;  ///< bubble_fraction()
  double own = 0;    ///< own_bubble_fraction()
};
/// By WorkerId.
std::vector<Bubbles> bubble_fractions(const Program& program, const Timeline& timeline);

/// F, B, I and W: the work of a micro-batch, as opposed to what is done once an iteration.
constexpr bool is_micro_batch_work(StepKind kind) {
  return kind == StepKind::forward || kind == StepKind::backward || kind == StepKind::input_gradient ||
         kind == StepKind::weight_gradient;
}

}  // namespace tandem
