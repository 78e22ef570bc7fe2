// Hanayo's wave pipeline (2308.15762): the model passes the ranks `chunks` times, down and up in turn; two passes are a
// wave. One copy of the weights does what Chimera's two do. The order is that of ranks which run as early as they
// can, with F and B of one slot each: B before F, the oldest micro-batch's B, the deepest stage's F, and no more
// micro-batches under way than there are ranks.
#include <algorithm>
#include <limits>

#include "plan/schedules/rows.hpp"

namespace tandem {
namespace {

class Wave {
 public:
  explicit Wave(const ScheduleShape& shape)
      : shape_(shape), stages_(shape.ranks * shape.chunks), next_forward_(stages_), next_backward_(stages_) {
    for (auto* ends : {&forward_end_, &backward_end_})
      ends->assign(std::size_t{stages_} * shape.micro_batches, std::numeric_limits<std::uint64_t>::max());
  }

  Grid run() {
    Grid grid(shape_.ranks);
    for (std::uint64_t left = 2 * std::uint64_t{stages_} * shape_.micro_batches; left > 0; ++slot_)
      for (std::uint32_t rank = 0; rank < shape_.ranks; ++rank)
        if (step(rank, grid[rank])) --left;
    return grid;
  }

 private:
  bool step(std::uint32_t rank, std::vector<Action>& row) {
    std::uint32_t oldest = shape_.micro_batches, chosen = stages_;
    for (std::uint32_t chunk = 0; chunk < shape_.chunks; ++chunk) {
      const std::uint32_t stage = stage_of(rank, chunk);
      if (!may_go_back(stage) || next_backward_[stage] >= oldest) continue;
      oldest = next_backward_[stage];
      chosen = stage;
    }
    if (chosen < stages_) return run(chosen, StepKind::backward, row);
    for (std::uint32_t chunk = shape_.chunks; chunk-- > 0;)
      if (may_go_on(stage_of(rank, chunk))) return run(stage_of(rank, chunk), StepKind::forward, row);
    return false;
  }
  bool run(std::uint32_t stage, StepKind kind, std::vector<Action>& row) {
    const bool forward = kind == StepKind::forward;
    const std::uint32_t batch = (forward ? next_forward_ : next_backward_)[stage]++;
    (forward ? forward_end_ : backward_end_)[index(stage, batch)] = slot_ + 1;
    row.push_back({stage, kind, batch});
    return true;
  }
  bool may_go_on(std::uint32_t stage) const {
    const std::uint32_t batch = next_forward_[stage];
    if (batch == shape_.micro_batches) return false;
    if (stage == 0) return batch - next_backward_[0] < shape_.ranks;
    return forward_end_[index(stage - 1, batch)] <= slot_;
  }
  bool may_go_back(std::uint32_t stage) const {
    const std::uint32_t batch = next_backward_[stage];
    return batch < shape_.micro_batches && forward_end_[index(stage, batch)] <= slot_ &&
           (stage + 1 == stages_ || backward_end_[index(stage + 1, batch)] <= slot_);
  }
  std::uint32_t stage_of(std::uint32_t rank, std::uint32_t chunk) const {
    return chunk * shape_.ranks + (chunk % 2 == 0 ? rank : shape_.ranks - 1 - rank);
  }
  std::size_t index(std::uint32_t stage, std::uint32_t batch) const {
    return std::size_t{stage} * shape_.micro_batches + batch;
  }

  const ScheduleShape& shape_;
  std::uint32_t stages_;
  std::vector<std::uint32_t> next_forward_, next_backward_;
  std::vector<std::uint64_t> forward_end_, backward_end_;
  std::uint64_t slot_ = 0;
};

}  // namespace

Grid hanayo_order(const ScheduleShape& shape) { return Wave(shape).run(); }

}  // namespace tandem
