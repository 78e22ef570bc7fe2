#include "timeline/memory_peak.hpp"

#include <algorithm>
#include <map>

#include "base/error.hpp"
#include "plan/memory_script.hpp"

namespace tandem {
namespace {

bool is_persistent(const Buffer& buffer) { return buffer.allocated_by == kNone<StepId>; }

/// Calls act(step, moment, actions) along the worker's compute stream until it returns false.
template <class Act>
void walk(const Program& program, const MemoryScript& script, WorkerId worker, Act&& act) {
  const Stream& stream = program.stream(program.workers()[index_of(worker)].compute);
  for (std::uint32_t i = 0; i < stream.count; ++i) {
    const auto step = static_cast<StepId>(index_of(stream.first) + i);
    for (const Moment moment : {Moment::start, Moment::end})
      if (!act(step, moment, script.at(step, moment))) return;
  }
}

/// By WorkerId; those on the device.
std::vector<std::vector<BufferId>> persistent_buffers(const Program& program) {
  std::vector<std::vector<BufferId>> found(program.workers().size());
  for (std::uint32_t i = 0; i < program.buffers().size(); ++i) {
    const auto id = static_cast<BufferId>(i);
    if (is_persistent(program.buffers()[i]) && on_device(program.spec(id).kind)) found[index_of(program.spec(id).worker)].push_back(id);
  }
  return found;
}

/// Finds the instant; leaves `held` empty.
PeakMoment highest(const Program& program, const MemoryScript& script, WorkerId worker,
                   const std::vector<BufferId>& persistent) {
  PeakMoment peak{worker, kNone<StepId>, Moment::start, {}, {}};
  for (const BufferId id : persistent) peak.total += program.spec(id).bytes;
  Bytes now = peak.total;
  walk(program, script, worker, [&](StepId step, Moment moment, std::span<const MemoryAction> actions) {
    for (const MemoryAction action : actions) {
      const Bytes bytes = program.spec(action.id()).bytes;
      if (!on_device(program.spec(action.id()).kind)) continue;
      now = action.frees ? now - bytes : now + bytes;
    }
    if (now > peak.total) peak.total = now, peak.step = step, peak.moment = moment;
    return true;
  });
  return peak;
}

/// The buffers alive after the peak's actions, by ascending id.
std::vector<BufferId> alive_at(const Program& program, const MemoryScript& script, const PeakMoment& peak,
                               std::vector<BufferId> alive) {
  if (peak.step == kNone<StepId>) return alive;
  walk(program, script, peak.worker, [&](StepId step, Moment moment, std::span<const MemoryAction> actions) {
    for (const MemoryAction action : actions)
      if (action.frees) std::erase(alive, action.id());
      else if (on_device(program.spec(action.id()).kind)) alive.push_back(action.id());
    return step != peak.step || moment != peak.moment;
  });
  std::ranges::sort(alive);
  return alive;
}

std::vector<HeldBuffers> by_row(const Program& program, const std::vector<BufferId>& alive) {
  std::map<BufferSpecId, HeldBuffers> rows;
  for (const BufferId id : alive) {
    const Buffer& buffer = program.buffers()[index_of(id)];
    HeldBuffers& row = rows[buffer.spec];
    row.spec = buffer.spec;
    if (!is_persistent(buffer)) row.micro_batches.push_back(buffer.micro_batch);
    ++row.count;
    row.bytes += program.spec(id).bytes;
  }
  std::vector<HeldBuffers> held;
  for (auto& [spec, row] : rows) {
    std::ranges::sort(row.micro_batches);
    held.push_back(std::move(row));
  }
  std::ranges::stable_sort(held, std::greater{}, &HeldBuffers::bytes);
  return held;
}

PeakMoment peak_moment(const Program& program, const MemoryScript& script, WorkerId worker,
                       const std::vector<BufferId>& persistent) {
  PeakMoment peak = highest(program, script, worker, persistent);
  peak.held = by_row(program, alive_at(program, script, peak, persistent));
  Bytes sum;
  for (const HeldBuffers& row : peak.held) sum += row.bytes;
  invariant(sum == peak.total, "what is alive at the peak is the peak");
  return peak;
}

}  // namespace

std::vector<PeakMoment> peak_moments(const Program& program) {
  const MemoryScript script(program);
  const std::vector<std::vector<BufferId>> persistent = persistent_buffers(program);
  std::vector<PeakMoment> peaks;
  for (std::uint32_t w = 0; w < program.workers().size(); ++w)
    peaks.push_back(peak_moment(program, script, static_cast<WorkerId>(w), persistent[w]));
  return peaks;
}

}  // namespace tandem
