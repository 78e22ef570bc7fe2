#pragma once
// A threaded run: one thread per worker and busy stream, each following its stream in order.
//
// 1. A stream's counter says how many of its steps have ended, over all iterations; an `after` edge waits for a count.
// 2. Between iterations the last thread to arrive at the gate is alone; nothing else is shared without an edge.
// 3. Whoever fails stops the control, which wakes every wait.

#include <deque>
#include <memory>
#include <thread>

#include "exec/iteration_gate.hpp"
#include "exec/ride.hpp"
#include "exec/status_board.hpp"
#include "exec/waits.hpp"
#include "exec/watchdog.hpp"

namespace tandem {

class ThreadedRun {
 public:
  /// All arguments outlive this.
  ThreadedRun(const Program& program, const Model& model, const Dataset& dataset, const RunOptions& options);
  /// Once. Throws the first error after all threads are joined.
  RunResult run();

 private:
  std::unique_ptr<Watchdog> start_watchdog();
  void start_threads(std::vector<std::thread>& threads);
  void stream_main(StreamId stream);
  void run_iteration(StreamId stream, std::int64_t iteration);
  void await(StreamId stream, StepId step, std::int64_t iteration);
  void between_iterations(std::int64_t arrivals);
  Watchdog::Watch watch();
  [[noreturn]] void report_stall();
  void interrupt();

  const Program& program_;
  const RunOptions& options_;
  const std::vector<StreamId> busy_;
  StopControl control_;
  const Pacer pacer_;
  Ride ride_;
  ThreadTransport transport_;
  const Waits waits_;
  StatusBoard board_;
  std::deque<Signal> ended_;  ///< by StreamId: steps that have ended, over all iterations
  IterationGate gate_;
  std::atomic<std::int64_t> iteration_{0};
};

}  // namespace tandem
