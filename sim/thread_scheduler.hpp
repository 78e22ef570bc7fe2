#pragma once
// Threads bound to cores that take turns in slices of time: what the operating system does, in virtual time.

#include <algorithm>
#include <cstdint>
#include <limits>
#include <vector>

namespace tandem {

/// What a thread did with its turn: it goes on at `time`, or it sleeps from then on, or it has ended.
struct Turn {
  enum class Next : std::uint8_t { go_on, sleep, end };
  std::int64_t time;
  Next next;
};

/// Calls a thread's steps in the order of virtual time: of all cores' next steps always the earliest, ties to the
/// lowest core. A core keeps its thread until that sleeps, ends, or has run a slice while another is ready.
class ThreadScheduler {
 public:
  /// Linux's default (sched_base_slice_ns, kernel/sched/fair.c): 0.75 ms times 1 + log2 of the cores; that of two.
  static constexpr std::int64_t kSlice = 1'500'000'000;  // ps

  explicit ThreadScheduler(std::int64_t cores) : cores_(static_cast<std::size_t>(cores)) {}

  /// The thread may run from `time` on, on core `thread` mod cores.
  void ready(std::uint32_t thread, std::int64_t time) {
    cores_[thread % cores_.size()].waiting.push_back({thread, time});
  }

  /// Runs until no thread is ready: `step(thread, core, time)` returns a Turn and may make others ready. Returns when
  /// the last thread ended.
  template <class Step>
  std::int64_t run(Step step) {
    std::int64_t last_end = 0;
    for (std::uint32_t chosen = earliest(); cores_[chosen].next() != kNever; chosen = earliest()) {
      Core& core = cores_[chosen];
      core.take_turns();
      const Turn turn = step(core.thread, chosen, core.time);
      core.time = turn.time;
      core.busy = turn.next == Turn::Next::go_on;
      if (turn.next == Turn::Next::end) last_end = std::max(last_end, turn.time);
    }
    return last_end;
  }

 private:
  static constexpr std::int64_t kNever = std::numeric_limits<std::int64_t>::max();
  struct Waiting {
    std::uint32_t thread;
    std::int64_t since;
  };
  struct Core {
    std::vector<Waiting> waiting;
    std::uint32_t thread = 0;
    bool busy = false;
    std::int64_t time = 0;         ///< of its thread's next step, or since when it is idle
    std::int64_t slice_start = 0;

    std::int64_t next() const {
      if (busy) return time;
      return waiting.empty() ? kNever : std::max(time, first()->since);
    }
    void take_turns() {
      if (busy && (waiting.empty() || time - slice_start < kSlice || first()->since > time)) return;
      const auto next_thread = first();
      const Waiting chosen = *next_thread;
      waiting.erase(next_thread);
      if (busy) waiting.push_back({thread, time});
      thread = chosen.thread;
      slice_start = time = std::max(time, chosen.since);
      busy = true;
    }
    /// Who has been ready for longest.
    std::vector<Waiting>::const_iterator first() const {
      return std::min_element(waiting.begin(), waiting.end(),
                              [](const Waiting& a, const Waiting& b) { return a.since < b.since; });
    }
  };

  std::uint32_t earliest() const {
    std::uint32_t best = 0;
    for (std::uint32_t i = 1; i < cores_.size(); ++i)
      if (cores_[i].next() < cores_[best].next()) best = i;
    return best;
  }

  std::vector<Core> cores_;
};

}  // namespace tandem
