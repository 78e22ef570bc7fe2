#pragma once
// The automatic scheduler's parts: the table, a lower bound, list scheduling, improvement, exact search. Private to it.

#include <cstdint>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "plan/automatic_schedule_order.hpp"

namespace tandem {

struct TableSchedule {
  std::string name;
  Grid grid;
  std::int64_t makespan;
};
/// The synchronous schedules of the table that have the problem's stages where it has them and keep the budgets, the
/// shortest first; without split backwards where the problem has none.
std::vector<TableSchedule> fitting_table(const ScheduleCosts& costs, const ScheduleProblem& problem);

/// By cell() of an action: the least time from the start of the iteration to its own start, and from its end to the end
/// of the iteration, in any schedule that keeps the budgets.
struct Surroundings {
  std::uint32_t micro_batches;
  std::vector<std::int64_t> head, tail;
  std::size_t cell(std::uint32_t stage, Part part, std::uint32_t batch) const {
    return (stage * 3 + static_cast<std::size_t>(part)) * micro_batches + batch;
  }
};
Surroundings surroundings(const ScheduleProblem& problem);
/// No schedule that keeps the budgets is shorter.
std::int64_t lower_bound_of(const ScheduleProblem& problem, const Surroundings& around);

/// How list scheduling chooses among what a rank could run next.
struct ListRules {
  double weight[3];    ///< by Part: the larger, the sooner; in units of the rank's work for one micro-batch
  double tails;        ///< of what must follow the action, in the same units
  double patience;     ///< 0: never idle while something can run; 1: wait for what comes before the soonest end
  double noise;
};
/// Runs, again and again, on the rank that can end an action first one of those that could start before then: the
/// look-ahead is that an action that is still under way may win over one that is here. Nothing where micro-batches that
/// have begun leave no room to go on.
std::optional<Order> list_schedule(const ScheduleProblem& problem, const Surroundings& around, const ListRules& rules,
                                   std::mt19937_64& random);

/// Moves letters of the critical path until the bound is reached or so many letters have been timed; simulated
/// annealing (Kirkpatrick et al., Science 1983) over the moves of Balas and Vazacopoulos, "Guided local search with
/// shifting bottleneck for job shop scheduling", Management Science 1998. Never returns a longer order.
Order improve(const ScheduleProblem& problem, Order order, std::int64_t bound, std::uint64_t letters,
              std::mt19937_64& random);

struct ExactAnswer {
  Order order;           ///< empty: none shorter was found
  std::int64_t length;
  bool proven;           ///< none is shorter than `length`
};
/// Searches for an order shorter than `length` until a schedule of length `bound` is found, all have been looked at, or
/// so many nodes of the search tree have been visited.
ExactAnswer search_exactly(const ScheduleProblem& problem, const Surroundings& around, std::int64_t bound,
                           std::int64_t length, std::uint64_t nodes);

}  // namespace tandem
