#pragma once
// One real ride of a Program: everything but the question of which thread runs which step when.

#include "exec/buffer_memory.hpp"
#include "exec/recorder.hpp"
#include "exec/run.hpp"
#include "exec/step_runner.hpp"
#include "exec/transport.hpp"
#include "exec/weight_store.hpp"

namespace tandem {

class Ride {
 public:
  /// All arguments outlive this. Throws ResourceError when memory does not suffice; nothing is allocated then.
  Ride(const Program& program, const Model& model, const Dataset& dataset, const RunOptions& options,
       const StopControl& control, const Pacer& pacer);

  /// Makes the worker's memory and initial weights. Workers may be prepared at once. Throws ResourceError.
  void prepare(WorkerId worker);
  /// Between iterations: one thread, all others ordered around it.
  void start_iteration(std::int64_t iteration);
  void end_iteration();

  /// Runs a step whose predecessors have ended, on its stream's thread. Throws RunError naming the step; Stopped.
  void execute(StepId step, Transport& transport);

  /// Moves a message, once what both its ends wait for has ended, on whichever thread. Returns when it began. The same
  /// errors.
  Instant move(MessageId message);
  /// The message was under way until then: longer than it took to move.
  void delay(MessageId message, Instant done);

  /// A member of a collective that came first moved when the last one did.
  void share_span(StepId last, StepId first) { recorder_.share_span(last, first); }

  StepRunner& runner() { return runner_; }
  RunResult result(std::int64_t thread_count) &&;

 private:
  void compute(StepId step);
  void copy(StepId step);
  void exchange(StepId member, Transport& transport);
  void announce(StepId step);
  template <class Action>
  void at(StepId step, Action action);
  void change_memory(StepId step, Moment moment, Instant time);

  const Program& program_;
  const RunOptions& options_;
  const StopControl& control_;
  const Pacer& pacer_;
  BufferMemory memory_;
  WeightStore weights_;
  StepRunner runner_;
  Recorder recorder_;
  std::int64_t iteration_ = 0;
  std::vector<float> losses_;
};

}  // namespace tandem
