// Sharded weights: those of a bucket are gathered for the parts that read them, in forward and again in backward, or once
// an update where the plan keeps them.

#include <algorithm>

#include "plan/lowering.hpp"

namespace tandem {

/// Indices of the buckets that the way reads weights of, by the first part that does.
std::vector<std::size_t> Lowering::units_of(const LoweredStage& stage, Way way) const {
  std::vector<std::size_t> units;
  const auto first = [&](std::size_t i) { return stage.shards[i].readers(way).first; };
  for (std::size_t i = 0; i < stage.shards.size(); ++i)
    if (stage.shards[i].readers(way).is_used()) units.push_back(i);
  std::stable_sort(units.begin(), units.end(), [&](std::size_t a, std::size_t b) { return first(a) < first(b); });
  return units;
}

void Lowering::free_gathered(StageBucket& bucket) {
  if (bucket.weight == kNone<BufferId>) return;
  builder_.release(bucket.weight, bucket.last_reader, Moment::end);
  bucket.weight = kNone<BufferId>;
}

/// As many units ahead as the plan says, the way's first ones at its beginning. What has been gathered already serves
/// where it is of the micro-batch's version.
void Lowering::fill_before(LoweredStage& stage, Way way, std::uint32_t part, std::uint32_t batch) {
  const std::vector<std::size_t> units = units_of(stage, way);
  const auto ahead = static_cast<std::size_t>(plan_.prefetch);
  for (std::size_t i = 0; i < units.size(); ++i) {
    const StageBucket& earlier = stage.shards[units[i < ahead ? 0 : i - ahead]];
    StageBucket& bucket = stage.shards[units[i]];
    if (earlier.readers(way).first != part) continue;
    const std::size_t slot = slot_for(stage, batch);
    if (bucket.weight != kNone<BufferId> && bucket.slot == slot) continue;
    free_gathered(bucket);
    bucket.slot = slot;
    bucket.weight = window(stage, BufferContent::weights, bucket.bucket->offset, bucket.bucket->bytes, batch);
    bucket.filled = add_bucket_step(stage, bucket, StepKind::own_block, batch);
    builder_.allocate(bucket.weight, bucket.filled, Moment::start);
    builder_.use(bucket.filled, bucket.weight, Access::write);
    if (stage.weight_shard != kNone<BufferId>) builder_.use(bucket.filled, stage.slots[slot], Access::read);
    if (!bucket.weight_homes.empty()) use_streamed(stage, bucket.weight_homes[slot], bucket.filled, Access::read);
  }
}

/// Before the first part of the way that reads them.
void Lowering::gather_for_way(std::size_t group, Way way, std::uint32_t batch) {
  if (shard_of(group, 0).filled == kNone<StepId>) return;  // gathered already
  add_gathers(bucket_groups_[group], batch, [&](std::uint32_t rank, StepId step) {
    LoweredStage& stage = lowered_[bucket_groups_[group].members[rank]];
    StageBucket& bucket = shard_of(group, rank);
    builder_.add_after(step, bucket.filled);
    builder_.use(step, bucket.weight, Access::read_write);
    builder_.add_after(stage.part(way, batch, bucket.readers(way).first), step);
    bucket.filled = kNone<StepId>;
    if (!plan_.reshard) return;
    builder_.release(bucket.weight, stage.part(way, batch, bucket.readers(way).last), Moment::end);
    bucket.weight = kNone<BufferId>;
  });
}

}  // namespace tandem
