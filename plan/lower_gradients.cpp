// The gradients of parameters that are summands on several ranks: all-reduced in buckets, each as soon as it is complete.

#include <fmt/format.h>

#include <algorithm>

#include "base/error.hpp"
#include "plan/lowering.hpp"

namespace tandem {
namespace {

/// The `place`-th of the worker's buckets that are reduced over these axes; null where it has fewer.
const GradientBucket* find_bucket(const Segment& layout, const std::array<bool, kMeshAxes>& over, std::size_t place) {
  for (const GradientBucket& bucket : layout.buckets)
    if (bucket.over == over && place-- == 0) return &bucket;
  return nullptr;
}

}  // namespace

void Lowering::add_bucket(const std::vector<std::uint32_t>& members, const BucketRow& row, std::size_t number) {
  CollectiveSpec spec;
  std::vector<const GradientBucket*> buckets;
  for (const std::uint32_t member : members) {
    buckets.push_back(find_bucket(*lowered_[member].layout, row.over, row.place));
    if (buckets.back() == nullptr) break;
    spec.members.push_back(lowered_[member].worker);
    spec.payloads.push_back({BufferContent::gradients, buckets.back()->offset});
  }
  if (spec.members.empty()) return;
  for (const GradientBucket* bucket : buckets)
    invariant(bucket != nullptr && bucket->bytes == buckets[0]->bytes, "members of a bucket hold the same parameters");
  const auto ranks = static_cast<std::uint32_t>(members.size());
  spec.name = fmt::format("gradients {} all_reduce", number);
  spec.shape = {.kind = CollectiveKind::all_reduce, .ranks = ranks, .ranks_per_node = 1,
                .bounds = equal_bounds(buckets[0]->bytes.count / 4, ranks), .strips = {}};
  spec.stream = StreamKind::reduce_gradients;
  spec.algorithm = &algorithm_for(spec.shape, spec.members);
  const CollectiveId collective = builder_.add_collective(builder_.add_collective_spec(std::move(spec)), 0);
  for (std::uint32_t rank = 0; rank < ranks; ++rank) {
    LoweredStage& stage = lowered_[members[rank]];
    const bool early = plan_.overlap && !buckets[rank]->tied;
    const StepId step = builder_.step_of(collective, rank);
    const Way way = stage.gradient_way();
    builder_.add_after(step, early ? stage.part(way, stage.order_of(way).back(), buckets[rank]->ready_part)
                                   : stage.gradients_ready);
    builder_.use(step, stage.gradients, Access::read_write);
    stage.reductions.push_back(step);
  }
}

/// Where parts are uneven, a rank's parameters may fill another number of buckets than those of a rank that it does not
/// share them with. All ranks go through them in one order.
void Lowering::reduce_gradients(std::uint32_t stage) {
  std::vector<std::uint32_t> lowered;
  for (const std::size_t holder : holders_of_stage(stage))
    for (const std::uint32_t index : workers_of(holder)) lowered.push_back(index);
  std::vector<BucketRow> rows;
  for (const std::uint32_t index : lowered) {
    std::map<std::array<bool, kMeshAxes>, std::size_t> places;
    for (const GradientBucket& bucket : lowered_[index].layout->buckets) {
      const BucketRow row{bucket.over, places[bucket.over]++};
      if (std::find(rows.begin(), rows.end(), row) == rows.end()) rows.push_back(row);
    }
  }
  for (std::size_t number = 0; number < rows.size(); ++number)
    for (const std::vector<std::uint32_t>& group : groups(lowered, rows[number].over)) add_bucket(group, rows[number], number);
}

}  // namespace tandem
