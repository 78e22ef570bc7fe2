// The optimizer's step on the host's cores (ZeRO-Offload, 2101.06840): bucket by bucket, on a stream of its own.
//
// A bucket's gradients, weights and states have their homes on the host. Once its gradients are complete they leave; the
// host's cores update the homes; the weights come back. So a bucket's copy out, another's update and a third one's copy
// in run at once, and beside the rest of backward. What is streamed leaves and comes by its visits (lower_streams.cpp);
// of what stays on the device, a bucket with a large parameter in it goes in pieces of about a bucket's size.

#include <algorithm>

#include "base/error.hpp"
#include "plan/lowering.hpp"

namespace tandem {

/// After it the rank's own gradients of the bucket, or its shard of them, are complete, of all micro-batches together.
StepId Lowering::own_gradients_complete(const LoweredStage& stage, const StageBucket& bucket) const {
  return shards_gradients() ? bucket.own_complete : own_gradients_complete(stage, *bucket.bucket);
}

StepId Lowering::own_gradients_complete(const LoweredStage& stage, const GradientBucket& bucket) const {
  if (!plan_.overlap || bucket.tied) return stage.gradients_ready;
  const Way way = stage.gradient_way();
  return stage.part(way, stage.order_of(way).back(), bucket.ready_part);
}

/// The last compute step that reads the bucket's weights where they stay on the device. Of a shard that is one before its
/// gradients are complete.
StepId Lowering::last_reader(const LoweredStage& stage, const StageBucket& bucket) const {
  if (plan_.zero == 3) return bucket.own_complete;
  StepId last = stage.begin;
  for (const Way way : {Way::forward, Way::backward, Way::weight})
    if (const PartSpan readers = bucket.readers(way); readers.is_used())
      last = std::max(last, stage.part(way, stage.order_of(way).back(), readers.last));
  return last;
}

namespace {

/// What of the ranges lies between these bytes of what the worker owns.
std::vector<ParameterRange> cut(const std::vector<ParameterRange>& ranges, ByteRange piece, std::int64_t size) {
  std::vector<ParameterRange> inside;
  for (const ParameterRange& range : ranges) {
    const std::int64_t first = std::max(range.own, piece.first);
    const std::int64_t end = std::min(range.own + size * range.elements, piece.end);
    if (first < end) inside.push_back({range.whole + first - range.own, first, (end - first) / size});
  }
  return inside;
}

/// The first and the last copy are not hidden: with so many pieces they are a few percent of the whole.
constexpr std::int64_t kMostPieces = 64;

}  // namespace

/// Homes lie as the device has it: in a shard, or in the whole.
std::vector<UpdateUnit> Lowering::host_units(LoweredStage& stage) {
  using enum BufferContent;
  const bool owns = plan_.zero > 0;
  const std::int64_t size = stage.layout->weight_size();
  std::vector<UpdateUnit> units;
  for (std::size_t i = 0; i < stage.shards.size(); ++i) {
    const StageBucket& bucket = stage.shards[i];
    if (bucket.own.empty()) continue;
    invariant(!owns || bucket.own.size() == 1, "replicas share every bucket");
    const std::int64_t begin = owns ? bucket.own[0].own : bucket.bucket->offset;
    const std::int64_t bytes = owns ? size * bucket.own[0].elements : bucket.bucket->bytes.count;
    const std::int64_t pieces = std::clamp<std::int64_t>(bytes / std::max<std::int64_t>(plan_.bucket.count, 1), 1,
                                                         kMostPieces);
    const std::int64_t length = aligned_size(Bytes{(bytes + pieces - 1) / pieces});
    for (std::int64_t at = 0; at < bytes; at += length) {
      const ByteRange piece{begin + at, begin + std::min(at + length, bytes)};
      const auto home = [&](BufferClass kind, BufferContent whole, BufferContent shard, bool in_shard) {
        const std::int64_t apart = in_shard ? 0 : bucket.own[0].whole - bucket.own[0].own;
        ByteRange range{piece.first + apart, piece.end + apart};
        if (kind == BufferClass::gradient)
          range = {stage.layout->in_gradients(range.first), stage.layout->in_gradients(range.end)};
        return add_home(stage, kind, in_shard ? shard : whole, range, static_cast<std::uint32_t>(units.size() + 1));
      };
      const std::size_t weight = home(BufferClass::weight, weights, weight_shard, plan_.zero == 3);
      const std::size_t gradient = home(BufferClass::gradient, gradients, gradient_shard, shards_gradients());
      units.push_back({cut(bucket.own, piece, size), i, kNotStreamed, weight, gradient, piece.first, piece.end});
    }
  }
  return units;
}

void Lowering::copy_around_update(LoweredStage& stage, const UpdateUnit& unit, StepId update) {
  const StageBucket& bucket = stage.shards[unit.bucket];
  const auto compute = builder_.compute_steps(stage.worker);
  const auto end = static_cast<std::uint32_t>(compute.size() - 1);
  const auto copy = [&](StepKind kind, std::size_t home, BufferId here, std::uint32_t place, std::vector<StepId> after,
                        StepId before) {
    const Streamed& entry = stage.streamed[home];
    const CopySpec spec{stage.worker, kind, stage.shared->segment, entry.number, entry.here.bytes, entry.here.content};
    const bool leaves = kind == StepKind::copy_out;
    copies_.push_back({spec, 0, place, leaves ? here : entry.home, leaves ? entry.home : here, std::move(after), {before}});
  };
  const StepId own = own_gradients_complete(stage, bucket);
  const StepId complete = bucket.complete == kNone<StepId> ? own : bucket.complete;
  const auto place = static_cast<std::uint32_t>(std::ranges::lower_bound(compute, own) - compute.begin());
  copy(StepKind::copy_out, unit.gradient_home, shards_gradients() ? stage.gradient_shard : stage.gradients,
       complete == own ? place : end, {own, complete}, update);
  copy(StepKind::copy_in, unit.weight_home, plan_.zero == 3 ? stage.weight_shard : stage.weights, end,
       {update, last_reader(stage, bucket)}, bucket.gather);
}

void Lowering::add_host_update(LoweredStage& stage, UpdateUnit& unit, std::uint32_t part) {
  StepWork work{StepKind::update, stage.worker, stage.shared->segment, part};
  work.stream = StreamKind::host;
  unit.work = builder_.add_work(work, unit.ranges);
  const StepId update = builder_.add_compute(unit.work, 0);
  builder_.use(update, stage.streamed[unit.gradient_home].home, Access::read);
  builder_.use(update, stage.streamed[unit.weight_home].home, Access::read_write);
  if (unit.states != kNotStreamed) builder_.use(update, stage.streamed[unit.states].home, Access::read_write);
  if (!plan_.offload_weights) return copy_around_update(stage, unit, update);
  for (const std::size_t home : {unit.gradient_home, unit.weight_home}) stage.streamed[home].on_host = update;
}

/// In the order in which the workers complete their gradients.
void Lowering::add_host_updates() {
  struct Due {
    StepId complete;
    LoweredStage* stage;
    std::size_t unit;
  };
  std::vector<Due> due;
  for (LoweredStage& stage : lowered_)
    for (std::size_t i = 0; updates_on_host() && i < stage.updates.size(); ++i) {
      const StageBucket& bucket = stage.shards[stage.updates[i].bucket];
      due.push_back({own_gradients_complete(stage, bucket), &stage, i});
    }
  std::ranges::stable_sort(due, {}, &Due::complete);
  for (const auto& [complete, stage, unit] : due)
    add_host_update(*stage, stage->updates[unit],
                    static_cast<std::uint32_t>(stage->updates.size() == 1 ? 0 : unit + 1));
}

}  // namespace tandem
