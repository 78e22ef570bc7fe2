#include <deque>
#include <system_error>
#include <thread>

#include <fmt/format.h>

#include "base/error.hpp"
#include "exec/iteration_gate.hpp"
#include "exec/ride.hpp"
#include "exec/status_board.hpp"
#include "exec/waits.hpp"
#include "exec/watchdog.hpp"

namespace tandem {
namespace {

std::vector<StreamId> busy_streams(const Program& program) {
  std::vector<StreamId> busy;
  for (std::uint32_t i = 0; i < program.streams().size(); ++i) {
    const Stream& stream = program.streams()[i];
    if (stream.count > 0 || stream.kind == StreamKind::compute) busy.push_back(static_cast<StreamId>(i));
  }
  return busy;
}

/// The threads of a run and what they share.
class ThreadedRun {
 public:
  ThreadedRun(const Program& program, const Model& model, const Dataset& dataset, const RunOptions& options);
  RunResult run();

 private:
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

ThreadedRun::ThreadedRun(const Program& program, const Model& model, const Dataset& dataset, const RunOptions& options)
    : program_(program), options_(options), busy_(busy_streams(program)), pacer_(options.pacing, control_),
      ride_(program, model, dataset, options, control_, pacer_), transport_(program, pacer_, control_), waits_(program),
      board_(program), ended_(program.streams().size()),
      gate_(static_cast<std::uint32_t>(busy_.size()), control_, [this](std::int64_t k) { between_iterations(k); }) {
  for (Signal& signal : ended_) control_.watch(signal);
}

void ThreadedRun::between_iterations(std::int64_t arrivals) {
  if (arrivals > 0) ride_.end_iteration();
  if (arrivals == options_.iterations) return;
  iteration_.store(arrivals, std::memory_order_relaxed);
  ride_.start_iteration(arrivals);
}

void ThreadedRun::await(StreamId stream, StepId step, std::int64_t iteration) {
  for (const Wait& wait : waits_.of(step)) {
    const Stream& other = program_.stream(wait.stream);
    board_.waits(stream, step, static_cast<StepId>(index_of(other.first) + wait.count - 1));
    const std::uint32_t earlier = static_cast<std::uint32_t>(iteration) * other.count;
    ended_[index_of(wait.stream)].wait_for(earlier + wait.count, control_);
  }
}

void ThreadedRun::run_iteration(StreamId stream, std::int64_t iteration) {
  const Stream& row = program_.stream(stream);
  for (std::uint32_t i = 0; i < row.count; ++i) {
    const auto step = static_cast<StepId>(index_of(row.first) + i);
    await(stream, step, iteration);
    board_.runs(stream, step);
    ride_.execute(step, transport_);
    ended_[index_of(stream)].advance();
  }
  board_.rests(stream);
}

/// A stream whose first step waits for another stream need not pass the gate: that wait is a later one.
void ThreadedRun::stream_main(StreamId stream) try {
  const Stream& row = program_.stream(stream);
  if (row.kind == StreamKind::compute) ride_.prepare(row.worker);
  gate_.arrive();
  const bool waits_first = row.count > 0 && !waits_.of(row.first).empty();
  for (std::int64_t iteration = 0; iteration < options_.iterations; ++iteration) {
    if (!waits_first) gate_.pass(iteration + 1);
    run_iteration(stream, iteration);
    gate_.arrive();
  }
} catch (const Stopped&) {
} catch (...) {
  control_.fail(std::current_exception());
}

Watchdog::Watch ThreadedRun::watch() {
  const auto progress = [this] {
    std::uint64_t sum = gate_.times_opened() == 0 ? static_cast<std::uint64_t>(now().time_since_epoch().count()) : 0;
    for (const Signal& signal : ended_) sum += signal.value();
    return sum;
  };
  const auto stalled = [this] {
    try {
      report_stall();
    } catch (...) {
      control_.fail(std::current_exception());
    }
  };
  return {options_.stall_after + pacer_.longest(), progress, stalled};
}

void ThreadedRun::report_stall() {
  const std::string report =
      fmt::format("the run stalled: no step ended for {:.3g} s (iteration {}){}",
                  std::chrono::duration<double>(options_.stall_after).count(), iteration_.load(), board_.report(now()));
  if (options_.on_stall) options_.on_stall(report);
  throw RunError(report);
}

void ThreadedRun::interrupt() {
  control_.fail(std::make_exception_ptr(RunError(
      fmt::format("the run was interrupted in iteration {}", iteration_.load(std::memory_order_relaxed)))));
}

void ThreadedRun::start_threads(std::vector<std::thread>& threads) try {
  for (const StreamId stream : busy_) {
    if (options_.before_thread) options_.before_thread(threads.size());
    threads.emplace_back([this, stream] { stream_main(stream); });
  }
} catch (const std::system_error& error) {
  control_.fail(std::make_exception_ptr(ResourceError(
      fmt::format("cannot make thread {} of {}: {}", threads.size() + 1, busy_.size(), error.what()))));
} catch (...) {
  control_.fail(std::current_exception());
}

RunResult ThreadedRun::run() {
  std::vector<std::thread> threads;
  threads.reserve(busy_.size());
  {
    const Watchdog watchdog(watch());
    const std::stop_callback on_stop(options_.stop, [this] { interrupt(); });
    start_threads(threads);
    for (std::thread& thread : threads) thread.join();
  }
  control_.rethrow();
  return std::move(ride_).result(static_cast<std::int64_t>(threads.size()));
}

}  // namespace

RunResult run_on_threads(const Program& program, const Model& model, const Dataset& dataset, const RunOptions& options) {
  return ThreadedRun(program, model, dataset, options).run();
}

}  // namespace tandem
