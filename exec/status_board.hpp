#pragma once
// The status board: every stream's thread says what it is at, so that a watchdog can tell who waits for whom.

#include <atomic>
#include <string>
#include <vector>

#include "exec/clock.hpp"
#include "plan/program.hpp"

namespace tandem {

class StatusBoard {
 public:
  explicit StatusBoard(const Program& program) : program_(program), rows_(program.streams().size()) {}

  /// By the stream's own thread. A stream between iterations has no step.
  void waits(StreamId stream, StepId step, StepId for_step) { set(stream, State::waiting, step, for_step); }
  void runs(StreamId stream, StepId step) { set(stream, State::running, step, kNone<StepId>); }
  void rests(StreamId stream);
  /// Names what a stream that waits is waiting for. From any thread.
  void waits_for(StreamId stream, StepId step) {
    rows_[index_of(stream)].for_step.store(step, std::memory_order_relaxed);
  }

  /// One line for each stream that has a step: what it does and since when. From any thread.
  std::string report(Instant time) const;

 private:
  enum class State : std::uint8_t { resting, waiting, running };
  struct alignas(64) Row {
    std::atomic<State> state{State::resting};
    std::atomic<StepId> step{kNone<StepId>}, for_step{kNone<StepId>};
    std::atomic<Instant::rep> since{0};
    std::atomic<std::uint32_t> iteration{0};
  };
  void set(StreamId stream, State state, StepId step, StepId for_step);
  std::string line(const Row& row, Instant time) const;
  /// What a running step waits for: "" when it computes, or when all are there.
  std::string awaited(const Row& row, StepId step) const;
  std::string missing_members(const Row& row, StepId member) const;
  /// Whether the other stream has come to its step of the iteration that `row` is in.
  bool has_reached(const Row& row, StepId step) const;

  const Program& program_;
  std::vector<Row> rows_;  ///< by StreamId
};

}  // namespace tandem
