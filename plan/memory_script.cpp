#include "plan/memory_script.hpp"

#include <algorithm>
#include <array>
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

namespace {

/// What one worker holds while its script is walked.
struct Holding {
  std::array<Bytes, kBufferClasses> by_class{};
  Bytes total;
  MemoryPeak peak;

  void change(const BufferSpec& spec, bool frees) {
    Bytes& mine = by_class[static_cast<std::size_t>(spec.kind)];
    mine = frees ? mine - spec.bytes : mine + spec.bytes;
    if (on_device(spec.kind)) total = frees ? total - spec.bytes : total + spec.bytes;
    Bytes& highest = peak.by_class[static_cast<std::size_t>(spec.kind)];
    highest = std::max(highest, mine);
    peak.total = std::max(peak.total, total);
  }
};

}  // namespace

std::vector<MemoryPeak> script_peaks(const Program& program) {
  std::vector<Holding> holdings(program.workers().size());
  for (std::uint32_t i = 0; i < program.buffers().size(); ++i) {
    const BufferSpec& spec = program.spec(static_cast<BufferId>(i));
    if (program.buffers()[i].allocated_by == kNone<StepId>) holdings[index_of(spec.worker)].change(spec, false);
  }
  const MemoryScript script(program);
  for (const Worker& worker : program.workers()) {
    const Stream& stream = program.stream(worker.compute);
    for (std::uint32_t i = 0; i < stream.count; ++i)
      for (const Moment moment : {Moment::start, Moment::end})
        for (const MemoryAction action : script.at(static_cast<StepId>(index_of(stream.first) + i), moment))
          holdings[index_of(stream.worker)].change(program.spec(action.id()), action.frees);
  }
  std::vector<MemoryPeak> peaks;
  for (const Holding& holding : holdings) peaks.push_back(holding.peak);
  return peaks;
}

}  // namespace tandem
