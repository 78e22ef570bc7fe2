#pragma once
// One rank's order while it is being written: each stage counts its micro-batches by itself.

#include <cstdint>
#include <deque>
#include <map>
#include <utility>
#include <vector>

#include "plan/schedule.hpp"

namespace tandem {

class RowBuilder {
 public:
  /// The stage's first micro-batch is this one, not 0.
  void begin_at(std::uint32_t stage, std::uint32_t micro_batch) { forwards_[stage] = backwards_[stage] = micro_batch; }

  void forward(std::uint32_t stage) { row_.push_back({stage, StepKind::forward, forwards_[stage]++}); }
  void backward(std::uint32_t stage) { row_.push_back({stage, StepKind::backward, backwards_[stage]++}); }
  /// I; its W is owed until weight_gradient().
  void input_gradient(std::uint32_t stage) {
    owed_.push_back({stage, StepKind::weight_gradient, backwards_[stage]});
    row_.push_back({stage, StepKind::input_gradient, backwards_[stage]++});
  }
  /// W of the oldest I that lacks it.
  void weight_gradient() {
    row_.push_back(owed_.front());
    owed_.pop_front();
  }

  std::uint32_t forwards(std::uint32_t stage) const { return count(forwards_, stage); }
  std::uint32_t backwards(std::uint32_t stage) const { return count(backwards_, stage); }
  std::size_t owed() const { return owed_.size(); }
  std::vector<Action> finish() {
    while (!owed_.empty()) weight_gradient();
    return std::move(row_);
  }

 private:
  using Counts = std::map<std::uint32_t, std::uint32_t>;
  static std::uint32_t count(const Counts& counts, std::uint32_t stage) {
    const auto found = counts.find(stage);
    return found == counts.end() ? 0 : found->second;
  }

  std::vector<Action> row_;
  std::deque<Action> owed_;
  Counts forwards_, backwards_;
};

}  // namespace tandem
