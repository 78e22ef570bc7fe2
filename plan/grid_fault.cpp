#include "plan/grid_fault.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_map>

#include "plan/grid_order.hpp"

namespace tandem {
namespace {

/// What one stage has done with one micro-batch.
struct Passage {
  std::uint32_t rank = 0;  ///< of its first step
  bool forward = false, backward = false, input_gradient = false, weight_gradient = false;
};

class FaultSearch {
 public:
  FaultSearch(const Grid& grid, std::uint32_t batches) : grid_(grid), batches_(batches), stages_(stage_count(grid)) {}

  std::optional<GridFault> run() {
    for (std::size_t rank = 0; rank < grid_.size() && !fault_; ++rank)
      for (std::size_t index = 0; index < grid_[rank].size() && !fault_; ++index) look_at(rank, index);
    if (!fault_) look_for_gaps();
    return fault_ ? fault_ : find_crossed_order(grid_);
  }

 private:
  void look_at(std::size_t rank, std::size_t index) {
    const Action& action = grid_[rank][index];
    const auto blame = [&](std::string_view problem, std::string want = {}) {
      fault_ = GridFault{rank, index, fmt::format("rank {} {}", rank, problem), to_text(action), std::move(want)};
    };
    const bool forward = action.kind == StepKind::forward, whole = action.kind == StepKind::backward;
    if (!is_known(action))
      return blame("cannot run this step", fmt::format("F, B, I or W of micro-batches 0 to {}", batches_ - 1));
    Passage& passage = passages_[key(action.stage, action.micro_batch)];
    if (!passage.forward && !forward)
      return blame(fmt::format("runs {} before F", name_of(action.kind)));
    if (passage.forward && passage.rank != rank)
      return blame(fmt::format("runs a step that belongs to rank {}, which ran the stage's forward", passage.rank));
    if (has_run(passage, action.kind)) return blame("runs a step twice");
    if (action.kind == StepKind::weight_gradient && !passage.backward && !passage.input_gradient)
      return blame("runs W before I");
    if (!forward && (passage.backward || (whole && passage.input_gradient)))
      return blame("runs both a whole backward and a part of it", "either B, or I and W");
    has_run(passage, action.kind) = true;
    passage.rank = static_cast<std::uint32_t>(rank);
  }

  void look_for_gaps() {
    for (std::size_t rank = 0; rank < grid_.size(); ++rank)
      if (grid_[rank].empty()) {
        fault_ = GridFault{rank, 0, fmt::format("rank {} runs nothing", rank), {}, "at least one stage on each rank"};
        return;
      }
    for (std::uint32_t stage = 0; stage < stages_ && !fault_; ++stage)
      for (std::uint32_t batch = 0; batch < batches_ && !fault_; ++batch) look_for_gap(stage, batch);
  }

  void look_for_gap(std::uint32_t stage, std::uint32_t batch) {
    const auto found = passages_.find(key(stage, batch));
    if (found == passages_.end()) return blame_missing(rank_of(stage), {stage, StepKind::forward, batch});
    const Passage& passage = found->second;
    if (passage.backward || passage.weight_gradient) return;
    const StepKind kind = passage.input_gradient ? StepKind::weight_gradient : StepKind::backward;
    blame_missing(passage.rank, {stage, kind, batch});
  }

  void blame_missing(std::optional<std::size_t> rank, const Action& action) {
    if (rank)
      fault_ = GridFault{*rank, grid_[*rank].size(), fmt::format("rank {} misses step {}", *rank, to_text(action)),
                         {}, {}};
    else
      fault_ = GridFault{0, 0, fmt::format("no rank runs stage {}", action.stage), fmt::format("{} stages", stages_),
                         fmt::format("steps of all stages from 0 to {}", stages_ - 1)};
  }

  /// The first rank that runs the stage.
  std::optional<std::size_t> rank_of(std::uint32_t stage) const {
    for (std::size_t rank = 0; rank < grid_.size(); ++rank)
      for (const Action& action : grid_[rank])
        if (action.stage == stage) return rank;
    return std::nullopt;
  }

  bool is_known(const Action& action) const {
    return (action.kind == StepKind::forward || action.kind == StepKind::backward ||
            action.kind == StepKind::input_gradient || action.kind == StepKind::weight_gradient) &&
           action.micro_batch < batches_;
  }
  static bool& has_run(Passage& passage, StepKind kind) {
    if (kind == StepKind::forward) return passage.forward;
    if (kind == StepKind::input_gradient) return passage.input_gradient;
    return kind == StepKind::backward ? passage.backward : passage.weight_gradient;
  }
  static std::uint64_t key(std::uint32_t stage, std::uint32_t batch) { return std::uint64_t{stage} << 32 | batch; }

  const Grid& grid_;
  std::uint32_t batches_, stages_;
  std::unordered_map<std::uint64_t, Passage> passages_;
  std::optional<GridFault> fault_;
};

}  // namespace

std::optional<GridFault> find_fault(const Grid& grid, std::uint32_t micro_batches) {
  return FaultSearch(grid, micro_batches).run();
}

std::optional<GridFault> find_dead_lock(const Grid& grid) {
  constexpr std::size_t kShown = 4;
  const std::vector<std::size_t> done = steps_before_dead_lock(grid);
  std::vector<std::string> stuck;
  std::size_t first = grid.size();
  for (std::size_t rank = 0; rank < grid.size(); ++rank) {
    if (done[rank] == grid[rank].size()) continue;
    first = std::min(first, rank);
    stuck.push_back(fmt::format("rank {} waits to run {}", rank, to_text(grid[rank][done[rank]])));
  }
  if (stuck.empty()) return std::nullopt;
  if (stuck.size() > kShown) stuck.resize(kShown);
  return GridFault{first, done[first], fmt::format("the schedule dead-locks: {}", fmt::join(stuck, ", ")), {}, {}};
}

}  // namespace tandem
