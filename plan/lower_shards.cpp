// Plans that shard gradients and weights, too: the second and third stage of ZeRO (1910.02054); and those that keep
// either on the host, which is a shard on which no other rank has a claim (lower_streams.cpp), or update them there.
//
// A bucket's gradients live from the first part of a micro-batch's backward that adds to them until their sum over the
// replicas has been taken, of which the rank adds its own block to its shard. A tied parameter's gradient is complete
// only at the iteration's end, so it stays until then. Sharded weights: lower_gathers.cpp.

#include <algorithm>

#include "base/error.hpp"
#include "plan/lowering.hpp"
#include "plan/part_touches.hpp"

namespace tandem {
namespace {

constexpr StepKind kKindOf[] = {StepKind::forward, StepKind::backward, StepKind::weight_gradient};

bool lies_in(const GradientBucket& bucket, std::int64_t offset) {
  return bucket.offset <= offset && offset < bucket.offset + bucket.bytes.count;
}

/// The bucket that the byte of weights, or of gradients, lies in; null where it lies in none.
StageBucket* bucket_at(const std::map<std::int64_t, StageBucket*>& by_offset, std::int64_t offset) {
  const auto after = by_offset.upper_bound(offset);
  if (after == by_offset.begin()) return nullptr;
  StageBucket* bucket = std::prev(after)->second;
  return lies_in(*bucket->bucket, offset) ? bucket : nullptr;
}

/// Notes which parts read the buckets' weights and add to their gradients.
void note_parts(const Segment& segment, const Model& local, std::vector<StageBucket>& buckets) {
  std::map<std::int64_t, StageBucket*> by_offset;
  for (StageBucket& bucket : buckets) by_offset.emplace(bucket.bucket->offset, &bucket);
  std::map<LayerId, std::vector<const SegmentParameter*>> rows;
  for (const SegmentParameter& row : segment.parameters) rows[local.parameter(row.parameter).layer].push_back(&row);
  for (std::size_t way = 0; way < kWays; ++way) {
    const auto& parts = parts_of(segment, kKindOf[way]);
    for (std::uint32_t part = 0; part < parts.size(); ++part)
      for (const PassItem& item : parts[part].items)
        for (const SegmentParameter* row : rows[segment.layers[item.layer].layer]) {
          if (StageBucket* read = bucket_at(by_offset, row->weight_offset))
            (item.again ? read->again : read->weights[way]).touch(part);
          if (item.pass != Pass::weight_gradient) continue;
          const std::int64_t use = row->gradient_offset / segment.gradient_size() * segment.weight_size();
          if (StageBucket* added = bucket_at(by_offset, use)) added->gradients.touch(part);
        }
  }
}

}  // namespace

BufferId Lowering::window(const LoweredStage& stage, BufferContent content, std::int64_t first, Bytes bytes,
                          std::uint32_t batch) {
  const bool weights = content == BufferContent::weights;
  BufferSpec spec{stage.worker, stage.shared->segment, weights ? BufferClass::weight : BufferClass::gradient, content,
                  weights ? bytes : Bytes{stage.layout->in_gradients(bytes.count)}};
  spec.first = weights ? first : stage.layout->in_gradients(first);
  return builder_.add_buffer(spec, batch);
}

Bytes Lowering::owned_weights(const LoweredStage& stage) const {
  Bytes own;
  for (const ParameterRange& range : stage.owned) own += Bytes{stage.layout->weight_size()} * range.elements;
  return own;
}

/// The persistent shards, and the buckets that pass through the memory around them.
void Lowering::make_shards(std::uint32_t index) {
  LoweredStage& stage = lowered_[index];
  if (!parts_gradients() && !updates_on_host()) return;
  const Bytes own = owned_weights(stage);
  if (shards_gradients() && !plan_.offload_weights)
    stage.gradient_shard = buffer(stage, BufferClass::gradient, BufferContent::gradient_shard,
                                  Bytes{stage.layout->in_gradients(own.count)}, 0);
  if (plan_.zero == 3 && !plan_.offload_weights) {
    stage.weight_shard = buffer(stage, BufferClass::weight, BufferContent::weight_shard, own, 0);
    stage.slots = {stage.weight_shard};
  }
  const Model& local = builder_.local_model(stage.layout->local_model).model;
  for (std::size_t group = 0; group < bucket_groups_.size(); ++group) {
    const auto& members = bucket_groups_[group].members;
    const auto at = std::find(members.begin(), members.end(), index);
    if (at == members.end()) continue;
    StageBucket bucket;
    bucket.group = group;
    bucket.bucket = bucket_groups_[group].buckets[static_cast<std::size_t>(at - members.begin())];
    for (const ParameterRange& range : stage.owned)
      if (lies_in(*bucket.bucket, range.whole)) bucket.own.push_back(range);
    if (plan_.offload_weights) add_homes(stage, bucket);
    stage.shards.push_back(std::move(bucket));
  }
  note_parts(*stage.layout, local, stage.shards);
}

/// A step of one bucket; its work is made on first use.
StepId Lowering::add_bucket_step(LoweredStage& stage, StageBucket& bucket, StepKind kind, std::uint32_t batch) {
  WorkId& work = kind == StepKind::zero_gradients ? bucket.zero
                 : kind == StepKind::own_block    ? bucket.fill
                                                  : bucket.add;
  const auto number = static_cast<std::uint32_t>(&bucket - stage.shards.data() + 1);
  const ParameterRange whole{bucket.bucket->offset, 0, bucket.bucket->bytes.count / stage.layout->weight_size()};
  if (work == kNone<WorkId>)
    work = builder_.add_work({kind, stage.worker, stage.shared->segment, number},
                             kind == StepKind::zero_gradients ? std::vector{whole} : bucket.own);
  return builder_.add_compute(work, batch);
}

void Lowering::open_gradients(LoweredStage& stage, StageBucket& bucket, std::uint32_t batch) {
  bucket.gradient = window(stage, BufferContent::gradients, bucket.bucket->offset, bucket.bucket->bytes, batch);
  bucket.added = kNone<StepId>;
  const StepId zero = add_bucket_step(stage, bucket, StepKind::zero_gradients, batch);
  builder_.allocate(bucket.gradient, zero, Moment::start);
  builder_.use(zero, bucket.gradient, Access::write);
}

void Lowering::add_to_shard(LoweredStage& stage, StageBucket& bucket, std::uint32_t batch) {
  if (plan_.offload_weights) zero_streamed(stage, bucket, batch);
  bucket.complete = bucket.own_complete = bucket.added = add_bucket_step(stage, bucket, StepKind::add_gradient, batch);
  builder_.use(bucket.added, bucket.gradient, Access::read);
  if (plan_.offload_weights && bucket.gradient_home != kNotStreamed)
    use_streamed(stage, bucket.gradient_home, bucket.added, Access::read_write);
  if (stage.gradient_shard != kNone<BufferId>) builder_.use(bucket.added, stage.gradient_shard, Access::read_write);
  builder_.release(bucket.gradient, bucket.added, Moment::end);
}

/// Shards become zero, and so do the gradients of tied parameters, which stay to the end of the iteration.
void Lowering::begin_shards(LoweredStage& stage) {
  if (plan_.offload_weights) {
    const StepId settle = add_settle(stage);
    if (stage.begin == kNone<StepId>) stage.begin = settle;
  } else {
    if (stage.zero == kNone<WorkId>)
      stage.zero = builder_.add_work({StepKind::zero_gradients, stage.worker, stage.shared->segment}, stage.owned);
    const StepId zero = builder_.add_compute(stage.zero, 0);
    builder_.use(zero, stage.gradient_shard, Access::write);
    if (stage.begin == kNone<StepId>) stage.begin = zero;
  }
  for (StageBucket& bucket : stage.shards) bucket.is_zero = false;
  for (StageBucket& bucket : stage.shards)
    if (bucket.bucket->tied) shards_gradients() ? open_gradients(stage, bucket, 0) : zero_streamed(stage, bucket, 0);
  const std::int64_t first = stage.layout->weight_bytes.count;
  const std::int64_t all = stage.layout->gradient_bytes.count / stage.layout->gradient_size();  // values
  const Bytes uses{all * stage.layout->weight_size() - first};
  if (uses.count == 0) return;
  stage.tied_uses = window(stage, BufferContent::gradients, first, uses, 0);
  const auto number = static_cast<std::uint32_t>(stage.shards.size() + 1);
  const StepWork work{StepKind::zero_gradients, stage.worker, stage.shared->segment, number};
  const ParameterRange range{first, 0, uses.count / stage.layout->weight_size()};
  if (stage.zero_uses == kNone<WorkId>) stage.zero_uses = builder_.add_work(work, {range});
  const StepId zero = builder_.add_compute(stage.zero_uses, 0);
  builder_.allocate(stage.tied_uses, zero, Moment::start);
  builder_.use(zero, stage.tied_uses, Access::write);
}

/// A bucket's sum is added a part later than it begins, where it may take the time of that part.
void Lowering::before_part(LoweredStage& stage, Way way, std::uint32_t part, std::uint32_t batch) {
  if (plan_.zero == 3) fill_before(stage, way, part, batch);
  if (!parts_gradients() || way != stage.gradient_way()) return;
  if (!shards_gradients()) {
    for (StageBucket& bucket : stage.shards)
      if (bucket.gradients.first == part) zero_streamed(stage, bucket, batch);
    return;
  }
  const std::uint32_t later = plan_.overlap ? 2 : 1;
  for (StageBucket& bucket : stage.shards)
    if (!bucket.bucket->tied && bucket.gradients.last + later == part) add_to_shard(stage, bucket, batch);
  for (StageBucket& bucket : stage.shards)
    if (!bucket.bucket->tied && bucket.gradients.first == part) open_gradients(stage, bucket, batch);
}

void Lowering::use_shards(LoweredStage& stage, Way way, std::uint32_t part, StepId step, bool adds, std::size_t slot) {
  if (!parts_gradients()) return;
  for (StageBucket& bucket : stage.shards) {
    if (plan_.offload_weights) use_bucket(stage, bucket, way, part, step, adds, slot);
    if (!shards_gradients()) continue;
    if (plan_.zero == 3 && bucket.readers(way).holds(part)) {
      builder_.use(step, bucket.weight, Access::read);
      bucket.last_reader = step;
    }
    if (adds && bucket.gradients.holds(part)) builder_.use(step, bucket.gradient, Access::read_write);
  }
  if (adds && stage.tied_uses != kNone<BufferId>) builder_.use(step, stage.tied_uses, Access::read_write);
}

void Lowering::after_way(LoweredStage& stage, Way way, std::uint32_t batch) {
  if (!shards_gradients() || way != stage.gradient_way()) return;
  for (StageBucket& bucket : stage.shards)
    if (!bucket.bucket->tied && bucket.added == kNone<StepId>) add_to_shard(stage, bucket, batch);
}

/// The bucket of the group on one of its members.
StageBucket& Lowering::shard_of(std::size_t group, std::uint32_t rank) {
  for (StageBucket& bucket : lowered_[bucket_groups_[group].members[rank]].shards)
    if (bucket.group == group) return bucket;
  throw InvariantError("a member of a group has its bucket");
}

void Lowering::reduce_for_way(std::size_t group, Way way, std::uint32_t batch) {
  add_reductions(bucket_groups_[group], batch, [&](std::uint32_t rank, StepId step) {
    const LoweredStage& stage = lowered_[bucket_groups_[group].members[rank]];
    const StageBucket& bucket = shard_of(group, rank);
    builder_.add_after(step, stage.part(way, batch, bucket.gradients.last));
    builder_.use(step, bucket.gradient, Access::read_write);
    builder_.add_after(bucket.added, step);
  });
  for (std::uint32_t rank = 0; rank < bucket_groups_[group].members.size(); ++rank)
    shard_of(group, rank).added = kNone<StepId>;
}

/// The collectives of a way whose steps have been laid down on all workers of the holder.
void Lowering::join_shards(std::size_t holder, Way way, std::uint32_t batch) {
  if (!shards_gradients()) return;
  const std::vector<std::uint32_t> workers = workers_of(holder);
  std::vector<std::pair<std::uint32_t, std::size_t>> gathered, reduced;  // part, group
  for (std::size_t group = 0; group < bucket_groups_.size(); ++group) {
    if (std::find(workers.begin(), workers.end(), bucket_groups_[group].members[0]) == workers.end()) continue;
    const StageBucket& bucket = shard_of(group, 0);
    const PartSpan readers = bucket.readers(way);
    if (plan_.zero == 3 && readers.is_used()) gathered.emplace_back(readers.first, group);
    const bool ends = way == lowered_[workers[0]].gradient_way() && !bucket.bucket->tied;
    if (ends) reduced.emplace_back(bucket.gradients.last, group);
  }
  std::sort(gathered.begin(), gathered.end());
  std::sort(reduced.begin(), reduced.end());
  for (const auto& [part, group] : gathered) gather_for_way(group, way, batch);
  for (const auto& [part, group] : reduced) reduce_for_way(group, way, batch);
}

/// The gradients of tied parameters; `within`: of all their uses in the stage.
void Lowering::use_tied(LoweredStage& stage, StepId step, Access access, bool within) {
  if (stage.gradients != kNone<BufferId>) return builder_.use(step, stage.gradients, access);
  for (const StageBucket& bucket : stage.shards) {
    if (!bucket.bucket->tied) continue;
    if (shards_gradients()) builder_.use(step, bucket.gradient, access);
    else use_streamed(stage, bucket.gradient_home, step, access, true);
  }
  if (within) builder_.use(step, stage.tied_uses, access);
}

/// What stayed to the end of the iteration.
void Lowering::end_shards(LoweredStage& stage) {
  if (!shards_gradients()) return;
  for (StageBucket& bucket : stage.shards) {
    free_gathered(bucket);
    if (!bucket.bucket->tied) continue;
    add_to_shard(stage, bucket, 0);
    for (const StepId reduction : stage.reductions) builder_.add_after(bucket.added, reduction);
  }
}

}  // namespace tandem
