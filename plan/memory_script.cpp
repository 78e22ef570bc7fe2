#include "plan/memory_script.hpp"

#include <numeric>

namespace tandem {
namespace {

MemoryAction action_of(std::uint32_t buffer, bool frees, Moment moment) {
  MemoryAction action;
  action.buffer = buffer & 0x3fffffffu;
  action.frees = frees ? 1u : 0u;
  action.at_end = moment == Moment::end ? 1u : 0u;
  return action;
}

std::size_t slot_of(StepId step, Moment moment) { return 2 * std::size_t{index_of(step)} + (moment == Moment::end); }

}  // namespace

MemoryScript::MemoryScript(const Program& program) : offset_(2 * program.step_count() + 2, 0) {
  const auto buffers = program.buffers();
  const auto visit = [&](bool frees, auto&& act) {
    for (std::uint32_t i = 0; i < buffers.size(); ++i) {
      const auto id = static_cast<BufferId>(i);
      const StepId step = frees ? buffers[i].freed_by : buffers[i].allocated_by;
      if (step == kNone<StepId>) continue;
      const Moment moment = frees ? program.free_moment(id) : program.allocation_moment(id);
      act(slot_of(step, moment), action_of(i, frees, moment));
    }
  };
  const auto count = [this](std::size_t slot, MemoryAction) { ++offset_[slot + 1]; };
  for (const bool frees : {true, false}) visit(frees, count);
  std::partial_sum(offset_.begin(), offset_.end(), offset_.begin());
  actions_.resize(offset_.back());
  std::vector<std::uint32_t> next(offset_.begin(), offset_.end() - 1);
  const auto place = [&](std::size_t slot, MemoryAction action) { actions_[next[slot]++] = action; };
  for (const bool frees : {true, false}) visit(frees, place);
}

std::span<const MemoryAction> MemoryScript::at(StepId step, Moment moment) const {
  const std::size_t slot = slot_of(step, moment);
  return {actions_.data() + offset_[slot], actions_.data() + offset_[slot + 1]};
}

}  // namespace tandem
