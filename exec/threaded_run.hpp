#pragma once
// A threaded run: one thread per worker, and one per stream of collectives or copies beside it, each in its order.
//
// 1. A stream's counter says how many of its steps have ended, over all iterations; an `after` edge waits for a count.
// 2. Messages have no thread (MessageMoves); collectives and copies that nothing is computed beside run on the compute
//    stream's (InlineSteps).
// 3. Between iterations the last thread to arrive at the gate is alone; nothing else is shared without an edge.
// 4. Whoever fails stops the control, which wakes every wait.

#include <deque>
#include <memory>
#include <thread>

#include "exec/inline_steps.hpp"
#include "exec/iteration_gate.hpp"
#include "exec/message_moves.hpp"
#include "exec/postman.hpp"
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
  void start_postman();
  void start_threads(std::vector<std::thread>& threads);
  void stream_main(StreamId stream);
  void run_iteration(StreamId stream, std::int64_t iteration);
  void run_step(StepId step, std::int64_t iteration);
  void await(StepId step, std::int64_t iteration);
  void await_turn(StepId step, std::int64_t iteration);
  void finish(StepId step);
  void move(std::vector<MessageId>& ready);
  void deliver(MessageId message, std::vector<MessageId>& ready);
  void await_message(StreamId stream);
  void rest_inline_streams(WorkerId worker);
  void say_what_messages_wait_for();
  void between_iterations(std::int64_t arrivals);
  Watchdog::Watch watch();
  [[noreturn]] void report_stall();
  void interrupt();

  const Program& program_;
  const RunOptions& options_;
  StopControl control_;
  const Pacer pacer_;
  Ride ride_;
  ThreadTransport transport_;
  const Waits waits_;
  const InlineSteps inline_;
  MessageMoves messages_;
  const std::vector<StreamId> busy_;
  StatusBoard board_;
  std::deque<Signal> ended_;  ///< by StreamId: steps that have ended, over all iterations
  IterationGate gate_;
  std::atomic<std::int64_t> iteration_{0};
  std::optional<Postman> postman_;  ///< of a paced run
};

}  // namespace tandem
