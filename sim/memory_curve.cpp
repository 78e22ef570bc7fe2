#include "sim/memory_curve.hpp"

#include <algorithm>

#include "base/error.hpp"

namespace tandem {
namespace {

/// What one worker holds, and the most that it held.
class Holdings {
 public:
  void change(BufferClass kind, std::int64_t bytes) {
    std::int64_t& held = held_[static_cast<std::size_t>(kind)];
    held += bytes;
    if (on_device(kind)) total_ += bytes;
    invariant(held >= 0, "a worker frees what it holds");
    Bytes& peak = peak_.by_class[static_cast<std::size_t>(kind)];
    peak.count = std::max(peak.count, held);
    peak_.total.count = std::max(peak_.total.count, total_);
  }
  const MemoryPeak& peak() const { return peak_; }

 private:
  std::array<std::int64_t, kBufferClasses> held_{};
  std::int64_t total_ = 0;
  MemoryPeak peak_;
};

class CurveWriter {
 public:
  CurveWriter(const Program& program, const MemoryScript& script, Timeline& timeline)
      : program_(program), script_(script), timeline_(timeline) {}

  void write(WorkerId worker, const std::vector<BufferId>& persistent) {
    worker_ = worker;
    holdings_ = {};
    for (const BufferId id : persistent) change({}, id, false);
    const Stream& stream = program_.stream(program_.workers()[index_of(worker)].compute);
    for (std::uint32_t i = 0; i < stream.count; ++i) {
      const auto step = static_cast<StepId>(index_of(stream.first) + i);
      const Span& span = timeline_.spans[index_of(step)];
      for (const MemoryAction action : script_.at(step, Moment::start)) change(span.start, action.id(), action.frees);
      for (const MemoryAction action : script_.at(step, Moment::end)) change(span.end, action.id(), action.frees);
    }
    timeline_.peaks.push_back(holdings_.peak());
  }

 private:
  void change(Picoseconds time, BufferId id, bool frees) {
    const BufferSpec& spec = program_.spec(id);
    const std::int64_t bytes = frees ? -spec.bytes.count : spec.bytes.count;
    holdings_.change(spec.kind, bytes);
    timeline_.memory.push_back({time, bytes, worker_, spec.kind});
  }

  const Program& program_;
  const MemoryScript& script_;
  Timeline& timeline_;
  WorkerId worker_{};
  Holdings holdings_;
};

}  // namespace

void record_memory(const Program& program, const MemoryScript& script, Timeline& timeline) {
  std::vector<std::vector<BufferId>> persistent(program.workers().size());
  const std::span<const Buffer> buffers = program.buffers();
  std::size_t events = 0;
  for (std::uint32_t i = 0; i < buffers.size(); ++i) {
    const bool lasts = buffers[i].allocated_by == kNone<StepId>;
    if (lasts) persistent[index_of(program.spec(static_cast<BufferId>(i)).worker)].push_back(static_cast<BufferId>(i));
    events += lasts ? 1 : 2;
  }
  timeline.memory.clear();
  timeline.memory.reserve(events);
  timeline.peaks.clear();
  CurveWriter writer(program, script, timeline);
  for (std::uint32_t i = 0; i < persistent.size(); ++i) writer.write(static_cast<WorkerId>(i), persistent[i]);
}

}  // namespace tandem
