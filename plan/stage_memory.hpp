#pragma once
// How much memory a stage can need at most, from its layers: what a partition goes by before anything is laid out.

#include <vector>

#include "plan/plan.hpp"
#include "plan/shard.hpp"

namespace tandem {

/// Sums over the layers of one rank's model, by the whole model's layers. An upper bound of script_peaks(): weights,
/// gradients and optimizer states of each use of a parameter (tied ones within a stage share theirs, so it is higher
/// there); what backward needs of as many micro-batches as the schedule has under way, less what the policies `full` and
/// `selective` compute again, which counts once; every other tensor and gradient
/// of one micro-batch side by side, and the largest scratch; messages as the window allows.
class StageMemory {
 public:
  /// `bounds`: by the whole model's layer, its first local one; and the number of local layers.
  StageMemory(const Plan& plan, const LocalModel& local, std::vector<std::size_t> bounds);

  /// Of the whole model's layers [from, to) as this stage.
  Bytes of(std::size_t stage, std::size_t from, std::size_t to) const;

 private:
  std::vector<std::size_t> bounds_;
  std::vector<std::int64_t> permanent_, kept_, passing_;  ///< bytes before each local layer
  std::vector<std::int64_t> crossing_;                    ///< by the whole model's cut: bytes of one message
  std::vector<std::int64_t> under_way_;                   ///< by stage: micro-batches between F and B
  std::int64_t window_;
};

/// By stage: most micro-batches that a rank which runs it has between F and the end of B, in the schedule's order.
std::vector<std::int64_t> micro_batches_under_way(const Plan& plan);

}  // namespace tandem
