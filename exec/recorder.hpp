#pragma once
// The recorder: every thread writes what it did into places of its own, made before the run, so that no thread waits.

#include <vector>

#include "exec/buffer_memory.hpp"
#include "exec/clock.hpp"
#include "plan/timeline.hpp"

namespace tandem {

class Recorder {
 public:
  /// Keeps the timelines of the last `kept` iterations.
  Recorder(const Program& program, const BufferMemory& memory, std::int64_t kept);

  /// Before any step of the iteration; by one thread, ordered before all others.
  void start_iteration(std::int64_t iteration, Instant zero);
  /// On the step's thread.
  void started(StepId step);
  void ended(StepId step, Instant start, Instant end, Picoseconds cpu_time);
  /// It ended later than was said.
  void delayed(StepId step, Instant end) { current().spans[index_of(step)].end = since_zero(end); }
  /// Gives `to` the span of `from`.
  void share_span(StepId from, StepId to) { current().spans[index_of(to)] = current().spans[index_of(from)]; }
  /// On the worker's compute thread.
  void changed(WorkerId worker, Instant time, Bytes bytes, BufferClass kind);
  /// After all steps of the iteration.
  void end_iteration(const BufferMemory& memory);

  Picoseconds since_zero(Instant time) const { return between(zero_, time); }
  /// The kept ones, oldest first.
  std::vector<Timeline> take() &&;

 private:
  Timeline empty_timeline(const BufferMemory& memory) const;
  Timeline& current() { return timelines_[static_cast<std::size_t>(iteration_) % timelines_.size()]; }

  const Program& program_;
  /// By WorkerId: its places in Timeline::memory, persistent ones left out.
  std::vector<std::size_t> first_event_, end_event_;
  std::vector<Timeline> timelines_;
  std::vector<std::uint32_t> started_;        ///< by StreamId
  std::vector<std::size_t> next_event_;       ///< by WorkerId
  std::int64_t iteration_ = 0;
  Instant zero_;
};

}  // namespace tandem
