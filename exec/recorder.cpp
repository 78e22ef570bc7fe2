#include "exec/recorder.hpp"

#include <algorithm>

#include "base/error.hpp"

namespace tandem {

Recorder::Recorder(const Program& program, const BufferMemory& memory, std::int64_t kept)
    : program_(program), started_(program.streams().size()) {
  std::size_t next = 0;
  for (std::uint32_t w = 0; w < program.workers().size(); ++w) {
    const auto worker = static_cast<WorkerId>(w);
    first_event_.push_back(next + memory.persistent(worker).size());
    next = first_event_.back() + memory.action_count(worker);
    end_event_.push_back(next);
  }
  timelines_.assign(static_cast<std::size_t>(kept), empty_timeline(memory));
}

/// With all places made, and the persistent buffers at time zero.
Timeline Recorder::empty_timeline(const BufferMemory& memory) const {
  Timeline timeline;
  timeline.spans.resize(program_.step_count());
  timeline.cpu_time.resize(program_.step_count());
  timeline.order.resize(program_.step_count());
  timeline.peaks.resize(program_.workers().size());
  for (std::uint32_t w = 0; w < program_.workers().size(); ++w) {
    const auto worker = static_cast<WorkerId>(w);
    for (const BufferId id : memory.persistent(worker))
      timeline.memory.push_back({Picoseconds{0}, program_.spec(id).bytes.count, worker, program_.spec(id).kind});
    timeline.memory.resize(timeline.memory.size() + memory.action_count(worker));
  }
  return timeline;
}

void Recorder::start_iteration(std::int64_t iteration, Instant zero) {
  iteration_ = iteration;
  zero_ = zero;
  std::fill(started_.begin(), started_.end(), 0u);
  next_event_ = first_event_;
}

void Recorder::started(StepId step) {
  const StreamId stream = program_.step(step).stream;
  current().order[index_of(program_.stream(stream).first) + started_[index_of(stream)]++] = step;
}

void Recorder::ended(StepId step, Instant start, Instant end, Picoseconds cpu_time) {
  current().spans[index_of(step)] = {since_zero(start), since_zero(end)};
  current().cpu_time[index_of(step)] = cpu_time;
}

void Recorder::changed(WorkerId worker, Instant time, Bytes bytes, BufferClass kind) {
  current().memory[next_event_[index_of(worker)]++] = {since_zero(time), bytes.count, worker, kind};
}

std::vector<Timeline> Recorder::take() && {
  if (timelines_.empty()) return {};
  const auto oldest = static_cast<std::ptrdiff_t>(static_cast<std::size_t>(iteration_ + 1) % timelines_.size());
  std::rotate(timelines_.begin(), timelines_.begin() + oldest, timelines_.end());
  return std::move(timelines_);
}

void Recorder::end_iteration(const BufferMemory& memory) {
  for (std::uint32_t w = 0; w < program_.workers().size(); ++w) {
    invariant(next_event_[w] == end_event_[w], "the script was walked to its end");
    current().peaks[w] = memory.peak(static_cast<WorkerId>(w));
  }
}

}  // namespace tandem
