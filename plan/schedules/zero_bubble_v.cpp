// ZB-V (2401.10241, section 6): rank r runs stages r and 2p - 1 - r, so a micro-batch goes down the ranks and up again,
// and the first rank has the loss. Made for F, I and W of equal length: then no rank waits between its first step and
// its last, with the activations of 1F1B.
//
// Fill: 2 (p - r) - 1 forwards of the way down, r pairs of up and down, p - r times F, I, W of the way up. Then F, I, W
// of the way down and of the way up in turn. Drain: the input gradients first, on both ways, then what is owed.
#include <algorithm>

#include "plan/schedules/row_builder.hpp"
#include "plan/schedules/rows.hpp"

namespace tandem {
namespace {

class VRow {
 public:
  VRow(const ScheduleShape& shape, std::uint32_t rank)
      : ranks_(shape.ranks), rank_(rank), down_(rank), up_(2 * shape.ranks - 1 - rank) {}

  std::vector<Action> run(std::uint32_t batches) {
    fill();
    while (row_.forwards(up_) < batches) {
      if (row_.forwards(down_) < batches) row_.forward(down_);
      back(down_);
      row_.forward(up_);
      back(up_);
    }
    drain();
    return row_.finish();
  }

 private:
  void fill() {
    for (std::uint32_t i = 0; i < 2 * (ranks_ - rank_) - 1; ++i) row_.forward(down_);
    for (std::uint32_t i = 0; i < rank_; ++i) {
      row_.forward(up_);
      row_.forward(down_);
    }
    for (std::uint32_t i = rank_; i < ranks_; ++i) {
      row_.forward(up_);
      back(up_);
    }
  }
  void back(std::uint32_t stage) {
    row_.input_gradient(stage);
    row_.weight_gradient();
  }
  void drain() {
    for (std::uint32_t i = 0; i < rank_; ++i) {
      row_.input_gradient(down_);
      row_.input_gradient(up_);
    }
    for (std::uint32_t i = rank_; i < ranks_; ++i) back(down_);
  }

  RowBuilder row_;
  std::uint32_t ranks_, rank_, down_, up_;
};

}  // namespace

/// The pattern needs 2p - 1 micro-batches; of fewer, it is that of 2p - 1 without those that are not there.
Grid zero_bubble_v_order(const ScheduleShape& shape) {
  Grid grid;
  for (std::uint32_t rank = 0; rank < shape.ranks; ++rank) {
    std::vector<Action> row = VRow(shape, rank).run(std::max(shape.micro_batches, 2 * shape.ranks - 1));
    std::erase_if(row, [&](const Action& action) { return action.micro_batch >= shape.micro_batches; });
    grid.push_back(std::move(row));
  }
  return grid;
}

}  // namespace tandem
