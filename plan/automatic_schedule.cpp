#include "plan/automatic_schedule.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "plan/automatic_schedule_parts.hpp"

namespace tandem {
namespace {

struct TableSchedule {
  std::string name;
  Grid grid;
  std::int64_t makespan;
};

bool lives_on(const Grid& grid, const ScheduleProblem& problem) {
  for (std::uint32_t rank = 0; rank < grid.size(); ++rank)
    for (const Action& action : grid[rank])
      if (action.stage >= problem.stages || problem.rank_of_stage[action.stage] != rank) return false;
  return grid.size() == problem.ranks && stage_count(grid) == problem.stages;
}

bool is_whole(const Grid& grid) {
  return std::all_of(grid.begin(), grid.end(), [](const auto& row) {
    return std::none_of(row.begin(), row.end(), [](const Action& action) {
      return action.kind == StepKind::input_gradient || action.kind == StepKind::weight_gradient;
    });
  });
}

/// The rows of the table that suit the placement and keep the budgets, as they are.
std::vector<TableSchedule> fitting_table(const ScheduleCosts& costs, const ScheduleProblem& problem) {
  std::vector<TableSchedule> fitting;
  for (const Schedule& row : schedules()) {
    if (row.updates != Updates::at_flush || problem.stages % problem.ranks != 0) continue;
    try {
      Grid grid = row.order({problem.ranks, problem.micro_batches, problem.stages / problem.ranks});
      if (!lives_on(grid, problem) || (!problem.split && !is_whole(grid))) continue;
      const ScheduleEvaluation evaluation = evaluate(grid, costs);
      if (fits_budget(evaluation, costs))
        fitting.push_back({std::string(row.name), std::move(grid), evaluation.makespan.count});
    } catch (const InputError&) {
      continue;  // the row refuses this shape
    }
  }
  std::stable_sort(fitting.begin(), fitting.end(),
                   [](const auto& a, const auto& b) { return a.makespan < b.makespan; });
  return fitting;
}

struct Start {
  std::int64_t length;
  Order order;
};

class Search {
 public:
  Search(const ScheduleProblem& problem, const AutomaticOptions& options)
      : problem_(problem), options_(options), random_(options.seed), rules_(problem), clock_(problem),
        around_(surroundings(problem)), bound_(lower_bound_of(problem, around_)) {}

  void offer(Order order) {
    for (std::uint32_t rank = 0; rank < problem_.ranks; ++rank)
      if (!rules_.allow(rank, order[rank])) return;
    const std::int64_t length = clock_.run(order);
    if (length != kNever) starts_.push_back({length, std::move(order)});
  }

  void run() {
    constexpr std::size_t kLists = 200;
    for (std::size_t list = 0; list < kLists; ++list)
      if (auto order = list_schedule(problem_, around_, rules(list), random_)) offer(std::move(*order));
    std::stable_sort(starts_.begin(), starts_.end(), [](const auto& a, const auto& b) { return a.length < b.length; });
    improve_starts();
    prove();
  }

  std::int64_t bound() const { return bound_; }
  const Start& best() const { return best_; }

 private:
  double uniform() { return static_cast<double>(random_() >> 11) * 0x1p-53; }

  /// First the plain ones: backward first without and with waiting, forward first, the longest tail first; then drawn.
  ListRules rules(std::size_t list) {
    static constexpr ListRules kPlain[] = {
        {{1, 2, 0}, 0, 0, 0}, {{1, 2, 0}, 0, 1, 0}, {{2, 1, 0}, 0, 1, 0}, {{0, 0, 0}, 1, 1, 0}, {{0, 0, 0}, 1, 0, 0}};
    if (list < std::size(kPlain)) return kPlain[list];
    const double forward = 2 * uniform(), weight = -3 * uniform(), tails = uniform(), noise = uniform();
    return {{forward, 1, weight}, list % 3 == 0 ? 0.0 : tails, uniform(), list % 2 == 0 ? 0.0 : noise};
  }

  void improve_starts() {
    constexpr std::size_t kStarts = 4;
    for (std::size_t start = 0; start < std::min(kStarts, starts_.size()) && best_.length > bound_; ++start) {
      Order order = improve(problem_, starts_[start].order, bound_, options_.effort / kStarts, random_);
      const std::int64_t length = clock_.run(order);
      if (length < best_.length) best_ = {length, std::move(order)};
    }
  }

  /// Where there are few letters, all schedules can be looked at.
  void prove() {
    constexpr std::size_t kLettersMost = 60, kLettersPerNode = 100;
    const std::size_t letters = std::size_t{problem_.stages} * problem_.micro_batches * (problem_.split ? 3 : 2);
    if (letters > kLettersMost || best_.length <= bound_) return;
    ExactAnswer answer = search_exactly(problem_, around_, bound_, best_.length, options_.effort / kLettersPerNode);
    if (!answer.order.empty()) best_ = {clock_.run(answer.order), std::move(answer.order)};
    if (answer.proven) bound_ = best_.length;
  }

  const ScheduleProblem& problem_;
  const AutomaticOptions& options_;
  std::mt19937_64 random_;
  WordRules rules_;
  OrderClock clock_;
  Surroundings around_;
  std::int64_t bound_;
  std::vector<Start> starts_;
  Start best_{kNever, {}};
};

}  // namespace

FoundSchedule find_schedule_automatically(const ScheduleCosts& costs, const std::vector<std::uint32_t>& rank_of_stage,
                                          std::uint32_t ranks, std::uint32_t micro_batches,
                                          const AutomaticOptions& options) {
  const ScheduleProblem problem = make_problem(costs, rank_of_stage, ranks, micro_batches, options.split_backward);
  const std::vector<TableSchedule> table = fitting_table(costs, problem);
  Search search(problem, options);
  for (const TableSchedule& row : table) {
    search.offer(to_order(row.grid));
    if (problem.split) search.offer(split_backwards(to_order(row.grid)));
  }
  search.run();
  FoundSchedule found{{}, {kNever}, {search.bound()}, "", {}};
  if (search.best().length < kNever) found.grid = to_grid(search.best().order), found.makespan = {search.best().length};
  if (!table.empty()) {
    found.best_of_table = table.front().name;
    found.table_makespan = {table.front().makespan};
    if (found.table_makespan < found.makespan) found.grid = table.front().grid, found.makespan = found.table_makespan;
  }
  invariant(!found.grid.empty(), "a schedule is found where each rank has room for one micro-batch");
  invariant(found.lower_bound <= found.makespan, "the lower bound holds");
  return found;
}

}  // namespace tandem
