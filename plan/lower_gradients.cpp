// The gradients of parameters that are summands on several ranks: reduced in buckets, each as soon as it is complete.
//
// Where the plan shards, a rank gets the sum of its own block of each bucket alone, updates the weights there, and all
// ranks gather the updated weights, so that the next iteration finds them whole (ZeRO's first stage, 1910.02054).

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "base/error.hpp"
#include "plan/lowering.hpp"

namespace tandem {
namespace {

constexpr auto kData = static_cast<std::size_t>(MeshAxis::data);
constexpr auto kPipeline = static_cast<std::size_t>(MeshAxis::pipeline);

/// The `place`-th of the worker's buckets that are reduced over these axes; null where it has fewer.
const GradientBucket* find_bucket(const Segment& layout, const std::array<bool, kMeshAxes>& over, std::size_t place) {
  for (const GradientBucket& bucket : layout.buckets)
    if (bucket.over == over && place-- == 0) return &bucket;
  return nullptr;
}

std::vector<std::uint32_t> ranks_from(std::uint32_t first, std::uint32_t count, std::uint32_t apart) {
  std::vector<std::uint32_t> ranks;
  for (std::uint32_t i = 0; i < count; ++i) ranks.push_back(first + i * apart);
  return ranks;
}

}  // namespace

/// All ranks that the group has, or as many as `shard_ranks` replicas have. They are neighbours in the group, whose slowest
/// axes are the copies of the stage, then the data.
std::uint32_t Lowering::blocks_of(const BucketRow& row, std::size_t ranks, std::size_t copies) const {
  if (plan_.zero == 0 || !(row.over[kData] || row.over[kPipeline])) return 1;
  if (plan_.shard_ranks == 0) return static_cast<std::uint32_t>(ranks);
  const auto replicas = static_cast<std::size_t>(plan_.replicas) * copies;
  return static_cast<std::uint32_t>(ranks / replicas * static_cast<std::size_t>(plan_.shard_ranks));
}

/// Gradients that are summed once a micro-batch are so among the ranks of one copy of the stage: others run other ones.
void Lowering::add_bucket_groups(const std::vector<std::uint32_t>& lowered, const BucketRow& row, std::size_t number) {
  std::array<bool, kMeshAxes> over = row.over;
  if (shards_gradients()) over[kPipeline] = false;
  const std::size_t copies = over[kPipeline] ? lowered.size() / within_count() : 1;
  for (const std::vector<std::uint32_t>& members : groups(lowered, over)) {
    BucketGroup group{.number = number, .members = members, .buckets = {},
                      .blocks = blocks_of({over, row.place}, members.size(), copies),
                      .type = lowered_[members[0]].layout->weight_type,
                      .gradient_type = lowered_[members[0]].layout->gradient_type};
    for (const std::uint32_t member : members)
      group.buckets.push_back(find_bucket(*lowered_[member].layout, row.over, row.place));
    if (group.buckets[0] == nullptr) continue;
    for (const GradientBucket* bucket : group.buckets)
      invariant(bucket != nullptr && bucket->bytes == group.buckets[0]->bytes,
                "members of a bucket hold the same parameters");
    bucket_groups_.push_back(std::move(group));
  }
}

/// Where parts are uneven, a rank's parameters may fill another number of buckets than those of a rank that it does not
/// share them with. All ranks go through them in one order.
void Lowering::find_buckets(std::uint32_t stage) {
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
  for (std::size_t number = 0; number < rows.size(); ++number) {
    const std::size_t first = bucket_groups_.size();
    add_bucket_groups(lowered, rows[number], number);
    find_copy_sums(first, lowered.size() / within_count());
  }
  for (const std::uint32_t index : lowered) add_owned_ranges(lowered_[index]);
}

/// The own blocks of the buckets that are shared, one after the other; of a plan that shards nothing each parameter.
void Lowering::add_owned_ranges(LoweredStage& stage) {
  std::vector<std::pair<std::int64_t, std::int64_t>> shared;  // first byte and end of buckets
  const std::int64_t size = stage.layout->weight_size();
  std::int64_t own = 0;
  for (const BucketGroup& group : bucket_groups_)
    for (std::uint32_t rank = 0; rank < group.members.size(); ++rank) {
      if (&lowered_[group.members[rank]] != &stage || group.blocks == 1) continue;
      const GradientBucket& bucket = *group.buckets[rank];
      const ElementRange block = group.owned_by(rank);
      shared.emplace_back(bucket.offset, bucket.offset + bucket.bytes.count);
      if (block.count > 0) stage.owned.push_back({bucket.offset + size * block.first, own, block.count});
      own += size * block.count;
    }
  for (const SegmentParameter& row : stage.layout->parameters) {
    const bool is_shared = std::any_of(shared.begin(), shared.end(), [&](const auto& bucket) {
      return bucket.first <= row.weight_offset && row.weight_offset < bucket.second;
    });
    if (!row.updated || is_shared) continue;
    invariant(plan_.zero < 2, "replicas' gradients are summands");
    stage.owned.push_back({row.weight_offset, shared.empty() ? row.weight_offset : own, row.elements});
    own += size * row.elements;
  }
}

/// Among these ranks of the group, of this range of the bucket; weights are gathered, gradients summed. Where a bucket
/// has a buffer of its own, that begins with it.
Lowering::BucketGroup::Among Lowering::among(const BucketGroup& group, std::vector<std::uint32_t> ranks,
                                             CollectiveKind kind, ElementRange range) {
  const bool weights = kind == CollectiveKind::all_gather;
  const bool apart = weights ? parts_weights() : parts_gradients();
  CollectiveSpec spec;
  for (const std::uint32_t rank : ranks) {
    const LoweredStage& stage = lowered_[group.members[rank]];
    const std::int64_t first = (apart ? 0 : group.buckets[rank]->offset) + bytes_of(group.type).count * range.first;
    spec.members.push_back(stage.worker);
    spec.payloads.push_back({weights ? BufferContent::weights : BufferContent::gradients,
                             weights ? first : stage.layout->in_gradients(first)});
  }
  const auto count = static_cast<std::uint32_t>(ranks.size());
  spec.name = fmt::format("{} {} {}", weights ? "weights" : "gradients", group.number, name_of(kind));
  spec.shape = {
      .kind = kind, .ranks = count, .ranks_per_node = 1, .bounds = equal_bounds(range.count, count), .strips = {},
      .type = weights ? group.type : group.gradient_type};
  spec.stream = weights ? StreamKind::gather_weights : StreamKind::reduce_gradients;
  spec.algorithm = &algorithm_for(spec.shape, spec.members);
  return {std::move(ranks), builder_.add_collective_spec(std::move(spec))};
}

/// Among all ranks; or among those that share a copy, and then, block by block, among the copies.
void Lowering::make_reductions(BucketGroup& group) {
  const auto ranks = static_cast<std::uint32_t>(group.members.size());
  const ElementRange whole{0, group.elements()};
  const CollectiveKind kind = group.blocks == 1 ? CollectiveKind::all_reduce : CollectiveKind::reduce_scatter;
  const std::uint32_t together = group.blocks == 1 ? ranks : group.blocks;
  for (std::uint32_t first = 0; first < ranks; first += together)
    group.reductions.push_back(among(group, ranks_from(first, together, 1), kind, whole));
  for (std::uint32_t place = 0; place < together && together < ranks; ++place)
    if (const ElementRange block = group.owned_by(place); block.count > 0)
      group.reductions.push_back(
          among(group, ranks_from(place, ranks / together, together), CollectiveKind::all_reduce, block));
}

void Lowering::make_gathers(BucketGroup& group) {
  const auto ranks = static_cast<std::uint32_t>(group.members.size());
  for (std::uint32_t first = 0; first < ranks; first += group.blocks)
    group.gathers.push_back(
        among(group, ranks_from(first, group.blocks, 1), CollectiveKind::all_gather, {0, group.elements()}));
}

void Lowering::add_collectives(const std::vector<BucketGroup::Among>& all, std::uint32_t batch, const EachMember& act) {
  for (const auto& [ranks, spec] : all) {
    const CollectiveId collective = builder_.add_collective(spec, batch);
    for (std::uint32_t place = 0; place < ranks.size(); ++place) act(ranks[place], builder_.step_of(collective, place));
  }
}

void Lowering::add_reductions(BucketGroup& group, std::uint32_t batch, const EachMember& act) {
  if (group.reductions.empty()) make_reductions(group);
  add_collectives(group.reductions, batch, act);
}

void Lowering::add_gathers(BucketGroup& group, std::uint32_t batch, const EachMember& act) {
  if (group.gathers.empty()) make_gathers(group);
  add_collectives(group.gathers, batch, act);
}

/// Indices of bucket groups. Where ranks run several stages, those of the stage whose backward ends first come first: behind a
/// later one's, what waits for them to leave the device would wait for what that one still computes, and that for room.
std::vector<std::size_t> Lowering::reduction_order() const {
  std::vector<std::size_t> order(bucket_groups_.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  if (stage_total() == mesh_.size(MeshAxis::pipeline)) return order;
  const auto ends = [this](std::size_t at) {
    const BucketGroup& group = bucket_groups_[at];
    const LoweredStage& stage = lowered_[group.members[0]];
    const Way way = stage.gradient_way();
    return std::pair(group.buckets[0]->tied, index_of(stage.part(way, stage.order_of(way).back(), 0)));
  };
  std::ranges::stable_sort(order, {}, ends);
  return order;
}

/// Of all micro-batches together, unless each has been reduced by itself, or nobody shares the bucket.
void Lowering::reduce_gradients(BucketGroup& group, std::uint32_t round) {
  if ((shards_gradients() && !group.buckets[0]->tied) || group.members.size() == 1) return;
  add_reductions(group, round, [&](std::uint32_t rank, StepId step) {
    LoweredStage& stage = lowered_[group.members[rank]];
    const GradientBucket& bucket = *group.buckets[rank];
    builder_.add_after(step, own_gradients_complete(stage, bucket));
    const auto at = static_cast<std::size_t>(&group - bucket_groups_.data());
    if (updates_on_host()) shard_of(at, rank).complete = step;
    if (plan_.offload_weights && !shards_gradients())
      return use_streamed(stage, shard_of(at, rank).gradient_home, step, Access::read_write, true, bucket.over[kPipeline]);
    builder_.use(step, shards_gradients() ? shard_of(at, rank).gradient : stage.gradients, Access::read_write);
    stage.reductions.push_back(step);
  });
}

/// After the update, into the version that this writes.
void Lowering::gather_weights(BucketGroup& group, std::uint32_t round) {
  if (group.blocks == 1 || plan_.zero == 3) return;
  const auto at = static_cast<std::size_t>(&group - bucket_groups_.data());
  add_gathers(group, round, [&](std::uint32_t rank, StepId step) {
    LoweredStage& stage = lowered_[group.members[rank]];
    if (plan_.offload_weights) {
      const StageBucket& streamed = shard_of(at, rank);
      builder_.add_after(step, streamed.updated);
      return use_streamed(stage, streamed.weight_homes[stage.newest_slot], step, Access::read_write, true,
                          streamed.bucket->over[kPipeline]);
    }
    builder_.use(step, stage.slots[stage.newest_slot], Access::read_write);
    stage.gathers.push_back(step);
    if (!updates_on_host()) return builder_.add_after(step, stage.end);
    StageBucket& bucket = shard_of(at, rank);
    builder_.add_after(step, last_reader(stage, bucket));
    bucket.gather = step;
  });
}

}  // namespace tandem
