// Stages in several copies whose gradients are sharded: each copy sums over its replicas what it computes, micro-batch by
// micro-batch, into shards of its own. At the end of a round the copies sum these, block by block.

#include <fmt/format.h>

#include "plan/lowering.hpp"

namespace tandem {

/// Of the groups of one row of buckets, which begin with `first`: those of the first copy come first, then the next one's.
void Lowering::find_copy_sums(std::size_t first, std::size_t copies) {
  if (!shards_gradients() || copies == 1) return;
  const std::size_t each = (bucket_groups_.size() - first) / copies;
  for (std::size_t i = 0; i < each; ++i) {
    CopySum sum;
    for (std::size_t copy = 0; copy < copies; ++copy) sum.groups.push_back(first + copy * each + i);
    copy_sums_.push_back(std::move(sum));
  }
}

/// Among the owners of one block, a copy each.
CollectiveSpecId Lowering::add_copy_sum(const CopySum& sum, std::uint32_t rank) {
  CollectiveSpec spec;
  const BucketGroup& first = bucket_groups_[sum.groups[0]];
  for (const std::size_t group : sum.groups) {
    const LoweredStage& stage = lowered_[bucket_groups_[group].members[rank]];
    const std::int64_t own = plan_.offload_weights ? 0 : shard_of(group, rank).own[0].own;
    spec.members.push_back(stage.worker);
    spec.payloads.push_back({BufferContent::gradient_shard, stage.layout->in_gradients(own)});
  }
  const auto ranks = static_cast<std::uint32_t>(sum.groups.size());
  spec.name = fmt::format("gradients {} of copies", first.number);
  spec.shape = {.kind = CollectiveKind::all_reduce, .ranks = ranks, .ranks_per_node = 1,
                .bounds = equal_bounds(first.owned_by(rank).count, ranks), .strips = {}, .type = first.gradient_type};
  spec.stream = StreamKind::reduce_gradients;
  spec.algorithm = &algorithm_for(spec.shape, spec.members);
  return builder_.add_collective_spec(std::move(spec));
}

void Lowering::sum_copies(const CopySum& sum, std::uint32_t round) {
  for (std::uint32_t rank = 0; rank < bucket_groups_[sum.groups[0]].members.size(); ++rank) {
    if (shard_of(sum.groups[0], rank).own.empty()) continue;
    const CollectiveId collective = builder_.add_collective(add_copy_sum(sum, rank), round);
    for (std::uint32_t copy = 0; copy < sum.groups.size(); ++copy) {
      LoweredStage& stage = lowered_[bucket_groups_[sum.groups[copy]].members[rank]];
      StageBucket& bucket = shard_of(sum.groups[copy], rank);
      const StepId step = builder_.step_of(collective, copy);
      builder_.add_after(step, bucket.complete);
      if (plan_.offload_weights) use_streamed(stage, bucket.gradient_home, step, Access::read_write, true, true);
      else builder_.use(step, stage.gradient_shard, Access::read_write);
      stage.reductions.push_back(bucket.complete = step);
    }
  }
}

}  // namespace tandem
