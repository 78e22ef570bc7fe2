#pragma once
// When the steps of a grid run, for given whole-number durations: each as soon as its rank and its predecessors allow.

#include <cstdint>
#include <vector>

#include "plan/schedule.hpp"

namespace tandem {

/// Durations in any one unit; the defaults give every step a slot of one.
struct StepTimes {
  std::int64_t forward = 1;
  std::int64_t backward = 1;
  std::int64_t input_gradient = 1;
  std::int64_t weight_gradient = 1;
  std::int64_t message = 0;  ///< from a step's end to the start of its successor on another rank; occupies neither
};

/// B takes as long as I and W together.
constexpr StepTimes step_times(std::int64_t forward, std::int64_t input_gradient, std::int64_t weight_gradient,
                               std::int64_t message = 0) {
  return {forward, input_gradient + weight_gradient, input_gradient, weight_gradient, message};
}

struct TimedAction {
  Action action;
  std::int64_t start, end;
};
/// By rank, in order.
using TimedGrid = std::vector<std::vector<TimedAction>>;

/// F of a stage follows F of the stage before; B or I its own F and the next stage's B or I; W its own I. Throws
/// InputError naming the steps at which a dead-lock leaves the ranks.
TimedGrid timed_grid(const Grid& grid, const StepTimes& times);

/// From 0 to the last end.
std::int64_t makespan(const TimedGrid& grid);
/// The longest time from a rank's own first start to its own last end: the cost of the zero-bubble papers (2401.10241).
std::int64_t longest_span(const TimedGrid& grid);
/// Idle share of all ranks until the makespan; 0 where nothing takes time.
double bubble_fraction(const TimedGrid& grid);
/// The same of each rank from its own first start to its own last end (2401.10241), mean over the ranks.
double own_bubble_fraction(const TimedGrid& grid);
/// The most activations of one stage and micro-batch that the rank holds at once: F begun, B or W not ended.
std::uint32_t most_held(const std::vector<Action>& row);

}  // namespace tandem
