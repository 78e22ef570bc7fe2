#include "exec/threaded_run.hpp"

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

}  // namespace

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

}  // namespace tandem
