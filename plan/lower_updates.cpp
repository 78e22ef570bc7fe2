// The end of a round of micro-batches: the optimizer's step, and where the new version of the weights lies.
//
// A synchronous schedule has one round. Where weights change while micro-batches are under way, versions that these still
// need are stashed: an update then reads the newest version and writes the next one into another buffer. The last update
// of an iteration writes where the first version lay, so that the next iteration finds it.

#include <algorithm>
#include <utility>

#include "base/error.hpp"
#include "plan/lowering.hpp"

namespace tandem {

/// Rows of the ranks up to where each has ended the backward of all micro-batches of the round.
void Lowering::find_rounds(const Grid& grid) {
  versions_ = weight_versions(grid, schedule_row(plan_), batches());
  round_ends_.assign(grid.size(), {});
  for (std::size_t rank = 0; rank < grid.size(); ++rank) {
    std::uint32_t ended = 0;
    for (std::size_t i = 0; i < grid[rank].size() && versions_.rounds > 1; ++i) {
      const StepKind kind = grid[rank][i].kind;
      if (kind != StepKind::backward && kind != StepKind::weight_gradient) continue;
      if (++ended % versions_.round == 0) round_ends_[rank].push_back(i + 1);
    }
    round_ends_[rank].resize(versions_.rounds, grid[rank].size());
    round_ends_[rank].back() = grid[rank].size();
  }
}

/// Is this version of the stage's weights read by what follows in the row?
bool Lowering::is_needed(std::uint32_t stage, std::uint32_t version, std::uint32_t round, const Grid& grid) const {
  const auto& row = grid[stage];
  return std::any_of(row.begin() + static_cast<std::ptrdiff_t>(round_ends_[stage][round]), row.end(),
                     [&](const Action& action) { return versions_.used[stage][action.micro_batch] == version; });
}

/// One more version: a buffer on the device, or a home for each bucket.
void Lowering::add_version(LoweredStage& stage) {
  const auto number = static_cast<std::uint32_t>(stage.slots.size());
  const bool shard = plan_.zero == 3;
  stage.version_in.push_back(0);
  if (!plan_.offload_weights)
    return stage.slots.push_back(builder_.add_buffer(
        {stage.worker, stage.shared->segment, BufferClass::stash,
         shard ? BufferContent::weight_shard : BufferContent::weights,
         shard ? owned_weights(stage) : stage.layout->weight_bytes}, number));
  stage.slots.push_back(kNone<BufferId>);
  for (StageBucket& bucket : stage.shards) add_weight_home(stage, bucket);
}

/// The slot for the version that the round's update makes: that of the newest where nothing needs it any more.
std::size_t Lowering::room_for_version(LoweredStage& stage, std::uint32_t round, const Grid& grid) {
  if (versions_.rounds == 1) return 0;
  const std::uint32_t number = stage.layout->stage;
  const bool is_last = round + 1 == versions_.rounds;
  const auto is_free = [&](std::size_t slot) { return !is_needed(number, stage.version_in[slot], round, grid); };
  std::size_t slot = stage.newest_slot;
  if (is_last) slot = 0;
  else if (!is_free(slot))
    for (slot = 0; slot < stage.slots.size() && (slot == stage.newest_slot || !is_free(slot));) ++slot;
  if (slot == stage.slots.size()) add_version(stage);
  invariant(!is_last || is_free(0), "the last update finds the first buffer free");
  stage.version_in[slot] = round + 1;
  stage.newest_slot = slot;
  return slot;
}

std::size_t Lowering::slot_for(const LoweredStage& stage, std::uint32_t batch) const {
  const std::uint32_t version = versions_.used[stage.layout->stage][batch];
  const auto at = std::find(stage.version_in.begin(), stage.version_in.end(), version);
  invariant(at != stage.version_in.end(), "a version that is used is there");
  return static_cast<std::size_t>(at - stage.version_in.begin());
}

/// The first step that reads what replicas have gathered waits for that.
void Lowering::read_weights(LoweredStage& stage, std::size_t slot, StepId step) {
  builder_.use(step, stage.slots[slot], Access::read);
  if (slot != stage.newest_slot) return;
  for (const StepId gather : std::exchange(stage.gathers, {})) builder_.add_after(step, gather);
}

/// One for each bucket that is streamed; where only states are, for each range of about a bucket's size; else one.
std::vector<UpdateUnit> Lowering::update_units(LoweredStage& stage) {
  if (updates_on_host() && !plan_.offload_weights) return host_units(stage);
  std::int64_t end = plan_.zero == 0 ? stage.layout->weight_bytes.count : 0;
  for (const ParameterRange& range : stage.owned)
    end = std::max(end, range.own + stage.layout->weight_size() * range.elements);
  std::vector<UpdateUnit> units;
  for (std::size_t i = 0; plan_.offload_weights && i < stage.shards.size(); ++i) {
    const StageBucket& bucket = stage.shards[i];
    if (bucket.weight_homes.empty()) continue;
    const ByteRange own = owned_bytes(stage, bucket);
    units.push_back({bucket.own, i, kNotStreamed, bucket.weight_homes[0], bucket.gradient_home, own.first, own.end});
  }
  if (!units.empty() || updates_on_host()) return units;
  units.push_back({.first = 0, .end = end});
  std::vector<ParameterRange> owned = stage.owned;
  std::ranges::stable_sort(owned, {}, &ParameterRange::own);
  for (const ParameterRange& range : owned) {
    if (plan_.offload_optimizer && range.own - units.back().first >= plan_.bucket.count) {
      units.back().end = range.own;
      units.push_back({.first = range.own, .end = end});
    }
    units.back().ranges.push_back(range);
  }
  return units;
}

/// The optimizer's states: all on the device, or each unit's on the host.
void Lowering::add_states(LoweredStage& stage) {
  const auto states = [&](std::int64_t bytes) {
    return plan_.optimizer.state_bytes(stage.layout->weight_type, {bytes}).count;
  };
  std::int64_t all = 0;
  std::uint32_t number = 0;
  for (UpdateUnit& unit : stage.updates) {
    all = std::max(all, unit.end);
    ++number;
    if (!keeps_states_on_host(plan_) || states(unit.end - unit.first) == 0) continue;
    unit.states = add_home(stage, BufferClass::optimizer_state, BufferContent::optimizer_state,
                           {states(unit.first), states(unit.end)}, stage.updates.size() == 1 ? 0 : number);
  }
  if (!keeps_states_on_host(plan_) && states(all) > 0)
    stage.states =
        buffer(stage, BufferClass::optimizer_state, BufferContent::optimizer_state, Bytes{states(all)}, 0);
}

/// Where the rank owns nothing of a bucket it has it on the device for the others' blocks alone.
StepId Lowering::add_update_step(LoweredStage& stage, UpdateUnit& unit, std::uint32_t round) {
  if (unit.bucket != kNotStreamed && unit.ranges.empty()) return add_settle(stage);
  const auto part = static_cast<std::uint32_t>(stage.updates.size() == 1 ? 0 : &unit - stage.updates.data() + 1);
  if (unit.work == kNone<WorkId>)
    unit.work = builder_.add_work({StepKind::update, stage.worker, stage.shared->segment, part}, unit.ranges);
  return builder_.add_compute(unit.work, round);
}

void Lowering::add_update(LoweredStage& stage, std::uint32_t round, const Grid& grid) {
  if (stage.updates.empty()) {
    stage.updates = update_units(stage);
    add_states(stage);
  }
  if (updates_on_host()) {  // by add_host_updates()
    stage.end = add_settle(stage);
    return;
  }
  const std::size_t newest = stage.newest_slot, next = room_for_version(stage, round, grid);
  const std::vector<StepId> gathers = std::exchange(stage.gathers, {});
  for (UpdateUnit& unit : stage.updates) {
    stage.end = add_update_step(stage, unit, round);
    if (unit.states != kNotStreamed) use_streamed(stage, unit.states, stage.end, Access::read_write);
    if (stage.states != kNone<BufferId>) builder_.use(stage.end, stage.states, Access::read_write);
    for (const StepId reduction : stage.reductions) builder_.add_after(stage.end, reduction);
    for (const StepId gather : gathers) builder_.add_after(stage.end, gather);
    if (unit.bucket != kNotStreamed) {
      StageBucket& bucket = stage.shards[unit.bucket];
      bucket.updated = stage.end;
      if (!unit.ranges.empty())
        use_streamed(stage, bucket.gradient_home, stage.end, Access::read, bucket.bucket->tied);
      use_streamed(stage, bucket.weight_homes[newest], stage.end, next == newest ? Access::read_write : Access::read);
      if (next != newest) use_streamed(stage, bucket.weight_homes[next], stage.end, Access::write);
      continue;
    }
    if (plan_.offload_weights) continue;
    builder_.use(stage.end, shards_gradients() ? stage.gradient_shard : stage.gradients, Access::read);
    builder_.use(stage.end, stage.slots[newest], next == newest ? Access::read_write : Access::read);
    if (next != newest) builder_.use(stage.end, stage.slots[next], Access::write);
  }
  stage.reductions.clear();
}

/// All ranks go on to the end of the round; then gradients are summed and weights updated.
void Lowering::add_round(std::uint32_t round, const Grid& grid) {
  for (std::uint32_t rank = 0; rank < grid.size(); ++rank) {
    const std::size_t first = round == 0 ? 0 : round_ends_[rank][round - 1];
    add_rank(rank, {grid[rank].data() + first, grid[rank].data() + round_ends_[rank][round]});
  }
  add_ties(round);
  for (const std::size_t at : reduction_order()) reduce_gradients(bucket_groups_[at], round);
  for (LoweredStage& stage : lowered_) end_shards(stage);
  for (const CopySum& sum : copy_sums_) sum_copies(sum, round);
  for (LoweredStage& stage : lowered_) add_update(stage, round, grid);
  for (BucketGroup& group : bucket_groups_) gather_weights(group, round);
}

}  // namespace tandem
