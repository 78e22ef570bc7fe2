#pragma once
// What layouts on the tensor axis cost: the work of one rank, and what its group says to each other meanwhile.

#include <map>
#include <tuple>

#include "hardware_profiles/cost.hpp"
#include "plan/conversions.hpp"
#include "plan/layouts.hpp"
#include "plan/shard.hpp"

namespace tandem {

/// The ranks of the tensor axis, alike in device and in the routes between them.
struct TensorGroup {
  std::uint32_t ranks = 1;
  std::uint32_t ranks_per_node = 1;                ///< divides ranks
  MessageCost inside, between;                     ///< routes within a node and between nodes
  const CollectiveAlgorithm* algorithm = nullptr;  ///< absent: the cheapest for each collective
  const Device* device = nullptr;
};

/// Prices parts of one iteration of `plan` on one rank, one after the other: nothing overlaps, nobody else is on the
/// links, and no rank waits for another. Kernels as the cost model says, collectives by uncontended_time(). Not
/// counted, since it hardly depends on layouts or is small: sums of gradients that meet, the update, and copies into
/// messages. Keeps references to the group and the cost model.
class LayoutCost {
 public:
  LayoutCost(const Plan& plan, const TensorGroup& group, const CostModel& costs)
      : batch_(plan.micro_batch_size), micro_batches_(plan.micro_batches), group_(group), costs_(costs) {}

  std::uint32_t ranks() const { return group_.ranks; }

  /// All micro-batches of the passes that `id` of `model` runs, with its part's own attributes and shapes.
  Seconds work(const Model& model, LayerId id, const Layer& part, const std::vector<TensorSpec>& inputs);
  /// All micro-batches of one conversion of a tensor, as shard() makes it; `has_gradient`: one flows back through it.
  /// `reader_owes`: the gradient that its reader gives is a summand.
  Seconds conversion(const TensorSpec& whole, AxisLayout from, AxisLayout to, bool reader_owes, bool has_gradient);
  /// The gradient of so many values of a parameter is summed over the group, once in an iteration and by itself.
  Seconds gradient_sum(std::int64_t elements, ElementType type);

  /// The same of a whole rank, layer by layer: what a search for cheap layouts is held to.
  Seconds of(const Sharding& sharding);

 private:
  Seconds kernel(const Layer& layer, const std::vector<TensorSpec>& inputs, Pass pass) const;
  Seconds dealing(const TensorSpec& whole, AxisLayout from, AxisLayout to, bool has_gradient);
  Seconds rearrangement(const LayerKind& kind, const TensorSpec& from, const std::vector<Division>& divisions,
                        bool has_gradient) const;
  Seconds collective(CollectiveKind kind, std::vector<std::int64_t> bounds, ElementType type);
  Seconds of_layer(const LocalModel& local, LayerId id);

  std::int64_t batch_, micro_batches_;
  const TensorGroup& group_;
  const CostModel& costs_;
  std::map<std::tuple<CollectiveKind, ElementType, std::vector<std::int64_t>>, Seconds> known_;
};

/// Does a gradient flow back to this tensor?
bool wants_gradient(const Model& model, LayerId tensor);

}  // namespace tandem
