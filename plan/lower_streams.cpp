// What lives on the host and visits the device: weights and gradients bucket by bucket, the optimizer's states unit by
// unit of its update.
//
// A visit has a buffer on the device from `offload_prefetch` steps before its first use to its last; or, where a step
// changes what is there, to a step `offload_staging` later that waits for the copy out. What would be fetched before it
// is gone stays: then two visits are one. So the order of the sums is that of a plan that streams nothing.

#include <algorithm>

#include "base/error.hpp"
#include "plan/lowering.hpp"

namespace tandem {

/// Uses that one stay on the device serves. Places count the worker's compute steps.
struct Lowering::Visit {
  std::vector<StreamUse> uses;
  std::uint32_t first = 0, last = 0;  ///< uses by compute steps
  std::uint32_t changed = 0;          ///< the last that writes
  std::uint32_t freed = 0;            ///< at its start; where nothing is changed at the end of `last`
  bool leaves = false;

  bool is_filled_here() const { return uses.front().access == Access::write; }
};

/// A step without work, so that copies find room before the first use, or are waited for after the last.
StepId Lowering::add_settle(LoweredStage& stage) {
  if (stage.settle == kNone<WorkId>)
    stage.settle = builder_.add_work({StepKind::settle, stage.worker, stage.shared->segment});
  return builder_.add_compute(stage.settle, 0);
}

std::size_t Lowering::add_home(LoweredStage& stage, BufferClass kind, BufferContent content, ByteRange range,
                               std::uint32_t number) {
  BufferSpec spec{stage.worker, stage.shared->segment, BufferClass::host, content, Bytes{range.end - range.first}};
  spec.first = range.first;
  const BufferId home = builder_.add_buffer(spec, 0);
  spec.kind = kind;
  stage.streamed.push_back({home, spec, number});
  return stage.streamed.size() - 1;
}

void Lowering::use_streamed(LoweredStage& stage, std::size_t which, StepId step, Access access, bool joins, bool waits) {
  stage.streamed[which].uses.push_back({step, access, joins, waits});
}

/// Where the rank's block of the bucket lies among what it owns; of a plan that shards nothing all of it.
ByteRange Lowering::owned_bytes(const LoweredStage& stage, const StageBucket& bucket) const {
  const std::int64_t first = bucket.bucket->offset;
  if (plan_.zero == 0) return {first, first + bucket.bucket->bytes.count};
  if (bucket.own.empty()) return {0, 0};
  return {bucket.own[0].own, bucket.own[0].own + stage.layout->weight_size() * bucket.own[0].elements};
}

/// Of one version: the whole bucket, or the block that the rank owns where weights are sharded; none of an empty one.
void Lowering::add_weight_home(LoweredStage& stage, StageBucket& bucket) {
  const bool owns = plan_.zero == 3;
  const std::int64_t first = bucket.bucket->offset;
  const ByteRange whole{first, first + bucket.bucket->bytes.count}, own = owned_bytes(stage, bucket);
  if (owns && own.first == own.end) return;
  const auto number = static_cast<std::uint32_t>(bucket.number);
  bucket.weight_homes.push_back(add_home(stage, BufferClass::weight,
                                         owns ? BufferContent::weight_shard : BufferContent::weights,
                                         owns ? own : whole, number));
}

/// The same of gradients, behind the weights of the first version.
void Lowering::add_homes(LoweredStage& stage, StageBucket& bucket) {
  bucket.number = stage.shards.size() + 1;
  add_weight_home(stage, bucket);
  const bool owns = shards_gradients();
  const std::int64_t first = bucket.bucket->offset;
  const ByteRange whole{first, first + bucket.bucket->bytes.count}, own = owned_bytes(stage, bucket);
  if (owns && own.first == own.end) return;
  const ByteRange range = owns ? own : whole;
  bucket.gradient_home = add_home(stage, BufferClass::gradient,
                                  owns ? BufferContent::gradient_shard : BufferContent::gradients,
                                  {stage.layout->in_gradients(range.first), stage.layout->in_gradients(range.end)},
                                  static_cast<std::uint32_t>(bucket.number));
}

/// Gradients, or the block of them that the rank owns, become zero: there is nothing to fetch yet.
void Lowering::zero_streamed(LoweredStage& stage, StageBucket& bucket, std::uint32_t batch) {
  if (bucket.gradient_home == kNotStreamed || bucket.is_zero) return;
  bucket.is_zero = true;
  const ParameterRange whole{bucket.bucket->offset, 0, bucket.bucket->bytes.count / stage.layout->weight_size()};
  if (bucket.zero_shard == kNone<WorkId>)
    bucket.zero_shard = builder_.add_work({StepKind::zero_gradients, stage.worker, stage.shared->segment,
                                           static_cast<std::uint32_t>(&bucket - stage.shards.data() + 1)},
                                          shards_gradients() ? bucket.own : std::vector{whole});
  use_streamed(stage, bucket.gradient_home, builder_.add_compute(bucket.zero_shard, batch), Access::write);
}

/// A bucket's parts of one way and micro-batch are one visit, what computes F again another. A tied parameter is read
/// at both ends of a model, and may leave in between; its gradient stays.
void Lowering::use_bucket(LoweredStage& stage, StageBucket& bucket, Way way, std::uint32_t part, StepId step,
                          bool adds, std::size_t slot) {
  if (plan_.zero == 3) return;
  const bool again = builder_.work(stage.works_of(way)[part]).kind == StepKind::recompute && bucket.again.holds(part);
  const PartSpan& readers = again ? bucket.again : bucket.weights[static_cast<std::size_t>(way)];
  const bool tied = bucket.bucket->tied;
  if (tied ? readers.touches(part) : readers.holds(part))
    use_streamed(stage, bucket.weight_homes[slot], step, Access::read, !tied && part != readers.first);
  if (adds && !shards_gradients() && bucket.gradients.holds(part))
    use_streamed(stage, bucket.gradient_home, step, Access::read_write,
                 tied || part != bucket.gradients.first);
}

std::uint32_t Lowering::fetch_place(std::uint32_t use) const {
  const auto ahead = 1 + static_cast<std::uint32_t>(plan_.offload_prefetch);
  invariant(use > 0, "an iteration begins with a step that nothing is fetched for");
  return use < ahead ? 0 : use - ahead;
}

/// Uses of other streams belong to the visit of the compute step before them. Where they change it, what frees the
/// buffer may run beside them for one step, as what adds a sum to a shard does; where nothing overlaps, or they wait for
/// copies of the stage, it comes behind them, and they behind all that was computed before.
std::vector<Lowering::Visit> Lowering::visits_of(const Streamed& entry) const {
  const auto compute = builder_.compute_steps(entry.here.worker);
  const auto staging = static_cast<std::uint32_t>(plan_.offload_staging);
  const auto end = static_cast<std::uint32_t>(compute.size() - 1);
  std::vector<Visit> visits;
  for (const StreamUse& use : entry.uses) {
    const auto at = std::ranges::lower_bound(compute, use.step);
    const bool computes = at != compute.end() && *at == use.step;
    const auto place = static_cast<std::uint32_t>(at - compute.begin());
    const auto is_gone = [&](const Visit& before) {
      const std::uint32_t arrives = use.access == Access::write ? place : fetch_place(place);
      return arrives > before.last && (!before.leaves || arrives >= before.freed);
    };
    if (visits.empty() || (computes && !use.joins && is_gone(visits.back()))) visits.push_back({{}, place, place});
    Visit& visit = visits.back();
    visit.uses.push_back(use);
    if (computes) visit.last = place;
    const bool behind = !computes && (use.waits || !plan_.overlap);
    if (use.access != Access::read) visit.leaves = true, visit.changed = behind ? place - 1 : visit.last;
    visit.freed = visit.last + 1 + staging + (!computes && plan_.overlap ? 1u : 0u);
    visit.freed = std::min(std::max(visit.freed, behind ? place : 0), end);
  }
  return visits;
}

void Lowering::add_visit(const Streamed& entry, const Visit& visit) {
  const auto compute = builder_.compute_steps(entry.here.worker);
  const BufferId here = builder_.add_buffer(entry.here, 0);
  const auto copy = [&](StepKind kind, std::uint32_t place, std::vector<StepId> after, StepId before) {
    const bool leaves = kind == StepKind::copy_out;
    const CopySpec spec{entry.here.worker, kind,           entry.here.segment,
                        entry.number,      entry.here.bytes, entry.here.content};
    copies_.push_back({spec, 0, place, leaves ? here : entry.home, leaves ? entry.home : here, std::move(after),
                       {before, entry.on_host}});
  };
  if (visit.is_filled_here()) {
    builder_.allocate(here, compute[visit.first], Moment::start);
  } else {
    const StepId room = compute[fetch_place(visit.first)];
    builder_.allocate(here, room, Moment::end);
    copy(StepKind::copy_in, visit.first, {room}, compute[visit.first]);
  }
  std::vector<StepId> others, waiting;  // steps of other streams; those that no compute step waits for yet
  for (const StreamUse& use : visit.uses) {
    builder_.use(use.step, here, use.access);
    if (!std::ranges::binary_search(compute, use.step)) {
      others.push_back(use.step), waiting.push_back(use.step);
      continue;
    }
    for (const StepId other : waiting) builder_.add_after(use.step, other);
    waiting.clear();
  }
  if (!visit.leaves) return builder_.release(here, compute[visit.last], Moment::end);
  builder_.release(here, compute[visit.freed], Moment::start);
  for (const StepId other : others) builder_.add_after(compute[visit.freed], other);
  others.push_back(compute[visit.changed]);
  copy(StepKind::copy_out, visit.changed, std::move(others), compute[visit.freed]);
}

/// After all steps of compute streams: only then is it known what comes between two uses. Where the host updates, a worker's
/// steps end with one that settles already.
void Lowering::add_streams() {
  std::map<WorkerId, StepId> last;
  for (LoweredStage& stage : lowered_)
    if (!updates_on_host() && !stage.streamed.empty() && !last.contains(stage.worker))
      last.emplace(stage.worker, add_settle(stage));
  for (LoweredStage& stage : lowered_)
    for (const Streamed& entry : stage.streamed)
      for (const Visit& visit : visits_of(entry)) add_visit(entry, visit);
}

}  // namespace tandem
