// Is an order of one's own a schedule at all?

#include <fmt/format.h>

#include <algorithm>

#include "base/error.hpp"
#include "plan/lowering.hpp"

namespace tandem {
namespace {

/// Checks the row of one rank.
class Row {
 public:
  Row(std::uint32_t rank, std::uint32_t batches)
      : rank_(rank), batches_(batches), ran_(2 * std::size_t{batches}, false) {}

  void run(const Action& action) {
    check_known(action);
    if (action.kind == StepKind::backward && !ran(StepKind::forward, action.micro_batch))
      throw InputError(fmt::format("rank {} runs B before F", rank_), to_text(action));
    if (ran(action.kind, action.micro_batch))
      throw InputError(fmt::format("rank {} runs a step twice", rank_), to_text(action));
    ran_[slot(action.kind, action.micro_batch)] = true;
  }

  void finish() const {
    for (std::uint32_t batch = 0; batch < batches_; ++batch)
      for (const StepKind kind : {StepKind::forward, StepKind::backward})
        if (!ran(kind, batch))
          throw InputError(fmt::format("rank {} misses step {}", rank_, to_text({rank_, kind, batch})));
  }

 private:
  void check_known(const Action& action) const {
    const bool known = action.kind == StepKind::forward || action.kind == StepKind::backward;
    if (known && action.stage == rank_ && action.micro_batch < batches_) return;
    throw InputError(fmt::format("rank {} cannot run this step", rank_), to_text(action),
                     fmt::format("F or B of stage {}, micro-batches 0 to {}", rank_, batches_ - 1));
  }
  std::size_t slot(StepKind kind, std::uint32_t batch) const {
    return 2 * std::size_t{batch} + (kind == StepKind::backward);
  }
  bool ran(StepKind kind, std::uint32_t batch) const { return ran_[slot(kind, batch)]; }

  std::uint32_t rank_, batches_;
  std::vector<bool> ran_;
};

std::vector<Action> of_kind(const std::vector<Action>& row, StepKind kind) {
  std::vector<Action> actions;
  std::copy_if(row.begin(), row.end(), std::back_inserter(actions),
               [&](const Action& action) { return action.kind == kind; });
  return actions;
}

void check_neighbours(const std::vector<Action>& upper, const std::vector<Action>& lower, StepKind kind) {
  const std::vector<Action> first = of_kind(upper, kind), second = of_kind(lower, kind);
  for (std::size_t i = 0; i < first.size(); ++i)
    if (first[i].micro_batch != second[i].micro_batch)
      throw InputError("neighbouring ranks run micro-batches in different orders", to_text(second[i]),
                       to_text({second[i].stage, kind, first[i].micro_batch}));
}

}  // namespace

void check_grid(const Grid& grid, const ScheduleShape& shape) {
  if (grid.size() != shape.ranks)
    throw InputError("the schedule has another number of ranks than the plan", fmt::format("{} ranks", grid.size()),
                     fmt::format("{}", shape.ranks));
  for (std::uint32_t rank = 0; rank < shape.ranks; ++rank) {
    Row row(rank, shape.micro_batches);
    for (const Action& action : grid[rank]) row.run(action);
    row.finish();
  }
  for (std::uint32_t rank = 1; rank < shape.ranks; ++rank)
    for (const StepKind kind : {StepKind::forward, StepKind::backward})
      check_neighbours(grid[rank - 1], grid[rank], kind);
}

}  // namespace tandem
