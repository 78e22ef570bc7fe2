// DualPipe (DeepSeek-V3, 2412.19437, section 3.2.1) and DualPipeV, its half: two streams of micro-batches cross on each
// rank, one near its loss, one far from it, and a forward of one runs beside a backward of the other. Here steps of a
// rank do not overlap, so such a pair is F, then B.
//
// DualPipe has two copies of the model: rank r runs stage r for the first half of the micro-batches, which go down, and
// stage p - 1 - r for the second half, which go up. DualPipeV cuts that in the middle: rank r runs stages r and
// 2p - 1 - r of one copy, as in ZB-V. In both, "far" is the stage whose micro-batches reach the rank first.
#include <fmt/format.h>

#include "base/error.hpp"
#include "plan/schedules/row_builder.hpp"
#include "plan/schedules/rows.hpp"

namespace tandem {
namespace {

/// `half` ranks on the way to the middle, of which this one is the `place`th; `batches` of each stream.
class DualRow {
 public:
  DualRow(std::uint32_t half, std::uint32_t place, std::uint32_t far, std::uint32_t near)
      : half_(half), place_(place), before_middle_(half - 1 - place), far_(far), near_(near) {}
  RowBuilder& builder() { return row_; }

  std::vector<Action> run(std::uint32_t batches) {
    fill();
    for (std::uint32_t i = 0; i < batches - 2 * half_ + place_ + 1; ++i) {
      forward_backward(far_, near_);
      forward_backward(near_, far_);
    }
    for (std::uint32_t i = 0; i < before_middle_; ++i) {
      row_.backward(near_);
      forward_backward(near_, far_);
    }
    drain();
    return row_.finish();
  }

 private:
  void fill() {
    for (std::uint32_t i = 0; i < 2 * before_middle_; ++i) row_.forward(far_);
    for (std::uint32_t i = 0; i <= place_; ++i) {
      row_.forward(far_);
      row_.forward(near_);
    }
    for (std::uint32_t i = 0; i < before_middle_; ++i) {
      row_.input_gradient(near_);
      row_.weight_gradient();
      row_.forward(near_);
    }
  }
  void forward_backward(std::uint32_t forward, std::uint32_t backward) {
    row_.forward(forward);
    row_.backward(backward);
  }
  /// The second half of these backwards leaves W for the end.
  void drain() {
    for (std::uint32_t i = 0; i < 2 * (place_ + 1); ++i) back(i % 2 == 0 ? near_ : far_, i > place_);
    for (std::uint32_t i = 0; i < before_middle_; ++i) {
      row_.weight_gradient();
      row_.input_gradient(far_);
    }
  }
  void back(std::uint32_t stage, bool split) { split ? row_.input_gradient(stage) : row_.backward(stage); }

  RowBuilder row_;
  std::uint32_t half_, place_, before_middle_, far_, near_;
};

}  // namespace

Grid dual_pipe_order(const ScheduleShape& shape) {
  require_even_ranks("dualpipe", shape);
  require_two_micro_batches_per_rank("dualpipe", shape);
  if (shape.micro_batches % 2 != 0)
    throw InputError("dualpipe sends half of the micro-batches each way", fmt::format("{}", shape.micro_batches),
                     "an even number of micro-batches");
  Grid grid;
  for (std::uint32_t rank = 0; rank < shape.ranks; ++rank) {
    const std::uint32_t other = shape.ranks - 1 - rank;
    const bool upper = rank < other;
    DualRow row(shape.ranks / 2, upper ? rank : other, upper ? rank : other, upper ? other : rank);
    row.builder().begin_at(other, shape.micro_batches / 2);
    grid.push_back(row.run(shape.micro_batches / 2));
  }
  return grid;
}

Grid dual_pipe_v_order(const ScheduleShape& shape) {
  require_two_micro_batches_per_rank("dualpipev", shape);
  Grid grid;
  for (std::uint32_t rank = 0; rank < shape.ranks; ++rank)
    grid.push_back(DualRow(shape.ranks, rank, rank, 2 * shape.ranks - 1 - rank).run(shape.micro_batches));
  return grid;
}

}  // namespace tandem
