#include "plan/automatic_schedule.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "plan/automatic_schedule_parts.hpp"

namespace tandem {
namespace {

struct Start {
  std::int64_t length;
  Order order;
};

/// One micro-batch at a time: it fits wherever anything does.
Order one_at_a_time(const ScheduleProblem& problem) {
  Order order(problem.ranks);
  for (std::uint32_t rank = 0; rank < problem.ranks; ++rank) {
    const auto& stages = problem.stages_of_rank[rank];
    for (std::uint32_t batch = 0; batch < problem.micro_batches; ++batch) {
      for (const std::uint16_t stage : stages) order[rank].push_back({stage, Part::forward});
      for (std::size_t at = stages.size(); at-- > 0;) order[rank].push_back({stages[at], Part::backward});
    }
  }
  return order;
}

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
    constexpr std::uint64_t kFewest = 10, kMost = 200, kEffortPerLetter = 20;
    const std::uint64_t lists = std::clamp(options_.effort / (kEffortPerLetter * letters()), kFewest, kMost);
    offer(one_at_a_time(problem_));
    for (std::uint64_t list = 0; list < lists; ++list)
      if (auto order = list_schedule(problem_, around_, rules(list), random_)) offer(std::move(*order));
    std::stable_sort(starts_.begin(), starts_.end(), [](const auto& a, const auto& b) { return a.length < b.length; });
    starts_.erase(std::unique(starts_.begin(), starts_.end(), [](auto& a, auto& b) { return a.order == b.order; }),
                  starts_.end());
    improve_starts();
    prove();
  }

  std::int64_t bound() const { return bound_; }
  const Start& best() const { return best_; }

 private:
  std::uint64_t letters() const {
    return std::uint64_t{problem_.stages} * problem_.micro_batches * (problem_.split ? 3 : 2);
  }
  double uniform() { return static_cast<double>(random_() >> 11) * 0x1p-53; }

  /// First the plain ones: backward first without and with waiting, forward first, the longest tail first; then drawn.
  ListRules rules(std::uint64_t list) {
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
    constexpr std::uint64_t kLettersMost = 60, kLettersPerNode = 100;
    if (letters() > kLettersMost || best_.length <= bound_) return;
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

std::optional<FoundSchedule> judge_schedule(const Grid& grid, const ScheduleCosts& costs,
                                            const std::vector<std::uint32_t>& rank_of_stage,
                                            std::uint32_t micro_batches) {
  const auto ranks = static_cast<std::uint32_t>(grid.size());
  const ScheduleProblem problem = make_problem(costs, rank_of_stage, ranks, micro_batches, true);
  const ScheduleEvaluation evaluation = evaluate(grid, costs);
  if (!fits_budget(evaluation, costs)) return {};
  FoundSchedule judged{grid, evaluation.makespan, {lower_bound_of(problem, surroundings(problem))}, "", {}};
  if (const std::vector<TableSchedule> table = fitting_table(costs, problem); !table.empty()) {
    judged.best_of_table = table.front().name;
    judged.table_makespan = {table.front().makespan};
  }
  return judged;
}

}  // namespace tandem
