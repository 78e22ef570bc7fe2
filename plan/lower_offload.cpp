// What leaves the device between forward and backward: copies on streams of their own, and the lives of the buffers at
// both their ends.
//
// A unit has a buffer on the device twice: from F until a later step of the worker that waits for the copy out, and
// from the step that fetches it until the last of backward that reads it; and one on the host between. All are
// allocated and freed by compute steps, as everything is, so a copy that is late holds those up.

#include <algorithm>
#include <map>

#include "base/error.hpp"
#include "plan/lowering.hpp"

namespace tandem {

/// One micro-batch of one offloaded unit of a stage on a worker. Places count the worker's compute steps.
struct Lowering::Unit {
  LoweredStage* stage;
  std::uint32_t batch, group;
  Bytes bytes;
  std::vector<OffloadUse> forward, backward;
  std::uint32_t written = 0;     ///< after it the host's buffer is there, and F of the unit is over
  std::uint32_t freed = 0;       ///< at its start the device's buffer is freed
  std::uint32_t fetched = 0;     ///< after it the device's second buffer is there
  std::uint32_t first_read = 0, last_read = 0;  ///< of backward
  BufferId first_device{}, host{}, second_device{};

  bool is_inbox() const { return group == 0; }
  /// It would be back before it is gone.
  bool stays() const { return fetched < freed; }
  CopySpec copy(StepKind kind) const {
    return {stage->worker, kind, stage->shared->segment, group, bytes,
            is_inbox() ? BufferContent::inbox : BufferContent::saved};
  }
};

/// An inbox that a stage of the same worker fills is that stage's outbox too, and stays.
bool Lowering::is_offloaded(const LoweredStage& stage, std::uint32_t batch, const PartUse& use) const {
  if (use.content != BufferContent::inbox) return use.group > 0;
  const std::size_t holder = static_cast<std::size_t>(&stage - lowered_.data()) / within_count();
  return stage.layout->offloads_inbox && !is_neighbour(holders_[holder], holders_[holder].stage - 1, batch);
}

void Lowering::use_local(LoweredStage& stage, std::uint32_t batch, PartUse use, Way way, StepId step) {
  if (is_offloaded(stage, batch, use)) stage.offload_uses.push_back({batch, use.group, way, step, use.access});
  else builder_.use(step, local_buffer(stage, batch, use.content, way), use.access);
}

std::vector<Lowering::Unit> Lowering::units_of(LoweredStage& stage) {
  std::map<std::pair<std::uint32_t, std::uint32_t>, Unit> units;
  for (const OffloadUse& use : stage.offload_uses) {
    Unit& unit = units[use.unit()];
    unit.stage = &stage;
    std::tie(unit.batch, unit.group) = use.unit();
    (use.way == Way::forward ? unit.forward : unit.backward).push_back(use);
  }
  stage.offload_uses = {};
  std::vector<Unit> found;
  for (auto& [key, unit] : units) {
    unit.bytes = unit.is_inbox() ? stage.layout->inbox_bytes : stage.layout->offloaded_bytes[unit.group - 1];
    place_unit(unit);
    found.push_back(std::move(unit));
  }
  return found;
}

namespace {

/// First and last of the compute steps, which ascend, that are among these uses; `writes`: of those that write.
struct Stretch {
  std::uint32_t first = ~0u, last = 0;
};
Stretch stretch_of(const std::vector<OffloadUse>& uses, std::span<const StepId> compute, bool writes = false) {
  Stretch found;
  for (const OffloadUse& use : uses) {
    const auto at = std::ranges::lower_bound(compute, use.step);
    if (at == compute.end() || *at != use.step || (writes && use.access == Access::read)) continue;
    const auto place = static_cast<std::uint32_t>(at - compute.begin());
    found = {std::min(found.first, place), std::max(found.last, place)};
  }
  return found;
}

}  // namespace

/// A copy out begins once all of the unit is written, and may run beside the steps that read it.
void Lowering::place_unit(Unit& unit) const {
  const auto compute = builder_.compute_steps(unit.stage->worker);
  const Stretch forward = stretch_of(unit.forward, compute), backward = stretch_of(unit.backward, compute);
  invariant(forward.first <= forward.last && forward.last < backward.first && backward.first <= backward.last,
            "forward and backward use a unit");
  unit.written = unit.is_inbox() ? forward.first - 1 : stretch_of(unit.forward, compute, true).last;
  unit.freed = forward.last + 1 + static_cast<std::uint32_t>(plan_.offload_staging);
  unit.first_read = backward.first;
  unit.last_read = backward.last;
  const auto ahead = 1 + static_cast<std::uint32_t>(plan_.offload_prefetch);
  unit.fetched = unit.first_read < ahead ? 0 : unit.first_read - ahead;
}

/// On the device from F to the end of backward.
void Lowering::keep(const Unit& unit) {
  const auto compute = builder_.compute_steps(unit.stage->worker);
  if (!unit.is_inbox()) builder_.allocate(unit.first_device, unit.forward.front().step, Moment::start);
  builder_.release(unit.first_device, compute[unit.last_read], Moment::end);
  for (const auto* uses : {&unit.forward, &unit.backward})
    for (const OffloadUse& use : *uses) builder_.use(use.step, unit.first_device, use.access);
}

void Lowering::make_copies(Unit& unit) {
  const auto compute = builder_.compute_steps(unit.stage->worker);
  const BufferContent content = unit.is_inbox() ? BufferContent::inbox : BufferContent::saved;
  const auto make = [&](BufferClass kind) {
    return builder_.add_buffer({unit.stage->worker, unit.stage->shared->segment, kind, content, unit.bytes, unit.group},
                               unit.batch);
  };
  unit.host = make(BufferClass::host);
  unit.second_device = make(BufferClass::activation);
  if (!unit.is_inbox()) builder_.allocate(unit.first_device, unit.forward.front().step, Moment::start);
  builder_.release(unit.first_device, compute[unit.freed], Moment::start);
  builder_.allocate(unit.host, compute[unit.written], Moment::end);
  builder_.release(unit.host, compute[unit.first_read], Moment::start);
  builder_.allocate(unit.second_device, compute[unit.fetched], Moment::end);
  builder_.release(unit.second_device, compute[unit.last_read], Moment::end);
  for (const OffloadUse& use : unit.forward) builder_.use(use.step, unit.first_device, use.access);
  for (const OffloadUse& use : unit.backward) builder_.use(use.step, unit.second_device, use.access);
}

void Lowering::add_copy_out(const Unit& unit) {
  const auto compute = builder_.compute_steps(unit.stage->worker);
  std::vector<StepId> after{compute[unit.written]};
  for (const OffloadUse& use : unit.forward)
    if (use.access != Access::read) after.push_back(use.step);
  copies_.push_back({unit.copy(StepKind::copy_out), unit.batch, unit.written, unit.first_device, unit.host,
                     std::move(after), {compute[unit.freed]}});
}

void Lowering::add_copy_in(const Unit& unit) {
  const auto compute = builder_.compute_steps(unit.stage->worker);
  copies_.push_back({unit.copy(StepKind::copy_in), unit.batch, unit.first_read, unit.host, unit.second_device,
                     {compute[unit.fetched]}, {compute[unit.first_read]}});
}

/// After all steps of compute streams: only then is it known what comes between F and backward.
void Lowering::add_offloads() {
  std::vector<Unit> leaving;
  for (LoweredStage& stage : lowered_)
    for (Unit& unit : units_of(stage)) {
      unit.first_device = unit.is_inbox()
                              ? local_buffer(stage, unit.batch, BufferContent::inbox, Way::forward)
                              : builder_.add_buffer({stage.worker, stage.shared->segment, BufferClass::activation,
                                                     BufferContent::saved, unit.bytes, unit.group}, unit.batch);
      if (unit.stays()) keep(unit);
      else make_copies(unit), leaving.push_back(std::move(unit));
    }
  for (const Unit& unit : leaving) add_copy_out(unit), add_copy_in(unit);
}

}  // namespace tandem
