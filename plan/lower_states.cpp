// Optimizer states that are on the host but for the update: fetched before it, and brought back after it, by the end of
// the iteration.

#include <algorithm>

#include "base/error.hpp"
#include "plan/lowering.hpp"

namespace tandem {

void Lowering::offload_states(LoweredStage& stage, Bytes bytes) {
  if (versions_.rounds > 1)
    throw InputError("offload_optimizer: the schedule updates weights more than once an iteration", plan_.schedule,
                     "a synchronous schedule");
  const auto make = [&](BufferClass kind) { return buffer(stage, kind, BufferContent::optimizer_state, bytes, 0); };
  stage.host_states = make(BufferClass::host);
  stage.states = make(BufferClass::optimizer_state);
  builder_.use(stage.end, stage.states, Access::read_write);
}

/// After all steps of compute streams: only then is it known what comes before an update.
void Lowering::settle() {
  std::map<WorkerId, StepId> last;
  for (LoweredStage& stage : lowered_) {
    if (stage.states == kNone<BufferId>) continue;
    const auto [at, is_new] = last.try_emplace(stage.worker);
    if (is_new)
      at->second = builder_.add_compute(
          builder_.add_work({StepKind::settle, stage.worker, stage.shared->segment}), 0);
  }
  for (LoweredStage& stage : lowered_)
    if (stage.states != kNone<BufferId>) copy_states(stage, last.at(stage.worker));
}

void Lowering::copy_states(const LoweredStage& stage, StepId last) {
  const auto compute = builder_.compute_steps(stage.worker);
  const auto update = static_cast<std::size_t>(std::ranges::lower_bound(compute, stage.end) - compute.begin());
  const auto ahead = 1 + static_cast<std::size_t>(plan_.offload_prefetch);
  const StepId room = compute[update < ahead ? 0 : update - ahead];
  builder_.allocate(stage.states, room, Moment::end);
  builder_.release(stage.states, last, Moment::start);
  const auto add = [&](StepKind kind, BufferId from, BufferId to, StepId after, StepId before) {
    const CopySpec spec{stage.worker, kind, stage.shared->segment, kStates, builder_.bytes_of(stage.states)};
    const StepId copy = builder_.add_copy(builder_.add_copy_spec(spec), 0);
    builder_.use(copy, from, Access::read);
    builder_.use(copy, to, Access::write);
    builder_.add_after(copy, after);
    builder_.add_after(before, copy);
  };
  add(StepKind::copy_in, stage.host_states, stage.states, room, stage.end);
  add(StepKind::copy_out, stage.states, stage.host_states, stage.end, last);
}

}  // namespace tandem
