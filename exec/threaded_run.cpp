#include "exec/threaded_run.hpp"

namespace tandem {
namespace {

bool holds_messages(const Program& program, const Stream& stream) {
  return stream.count > 0 && is_message_end(program.step(stream.first).kind);
}

/// The streams with a thread.
std::vector<StreamId> busy_streams(const Program& program, const InlineSteps& in_line) {
  std::vector<StreamId> busy;
  for (std::uint32_t i = 0; i < program.streams().size(); ++i) {
    const Stream& stream = program.streams()[i];
    const auto id = static_cast<StreamId>(i);
    if (stream.kind == StreamKind::compute || (!holds_messages(program, stream) && !in_line.contains_all(id)))
      busy.push_back(id);
  }
  return busy;
}

/// A paced step leaves its core to others while it is held.
bool has_cores_to_overlap(const Program& program, const RunOptions& options) {
  return options.pacing || std::ssize(program.workers()) < options.cores.value_or(usable_cores());
}

}  // namespace

ThreadedRun::ThreadedRun(const Program& program, const Model& model, const Dataset& dataset, const RunOptions& options)
    : program_(program), options_(options), control_(options.cores.value_or(usable_cores())),
      pacer_(options.pacing, control_), ride_(program, model, dataset, options, control_, pacer_),
      transport_(program, pacer_, control_), waits_(program), inline_(program, waits_, has_cores_to_overlap(program, options)), messages_(program, waits_),
      busy_(busy_streams(program, inline_)), board_(program), ended_(program.streams().size()),
      gate_(static_cast<std::uint32_t>(busy_.size()), control_, [this](std::int64_t k) { between_iterations(k); }) {
  for (Signal& signal : ended_) control_.watch(signal);
}

void ThreadedRun::between_iterations(std::int64_t arrivals) {
  if (arrivals > 0) ride_.end_iteration();
  if (arrivals == options_.iterations) return;
  iteration_.store(arrivals, std::memory_order_relaxed);
  ride_.start_iteration(arrivals);
  for (std::uint32_t i = 0; i < program_.streams().size(); ++i)
    if (holds_messages(program_, program_.streams()[i])) await_message(static_cast<StreamId>(i));
  std::vector<MessageId> ready;
  messages_.start_iteration(ready);
  move(ready);
}

void ThreadedRun::await(StepId step, std::int64_t iteration) {
  const StreamId stream = program_.step(step).stream;
  for (const Wait& wait : waits_.of(step)) {
    const Stream& other = program_.stream(wait.stream);
    board_.waits(stream, step, static_cast<StepId>(index_of(other.first) + wait.count - 1));
    const std::uint32_t earlier = static_cast<std::uint32_t>(iteration) * other.count;
    ended_[index_of(wait.stream)].wait_for(earlier + wait.count, control_);
  }
}

void ThreadedRun::run_step(StepId step, std::int64_t iteration) {
  await(step, iteration);
  board_.runs(program_.step(step).stream, step);
  ride_.execute(step, transport_);
  finish(step);
}

void ThreadedRun::finish(StepId step) {
  std::vector<MessageId> ready;
  messages_.ended(step, ready);
  ended_[index_of(program_.step(step).stream)].advance(control_.crowd());
  move(ready);
}

/// Moves the messages, and those that can move after them.
void ThreadedRun::move(std::vector<MessageId>& ready) {
  while (!ready.empty()) {
    const MessageId id = ready.back();
    ready.pop_back();
    const Message& message = program_.messages()[index_of(id)];
    for (const StepId end : {message.send, message.receive}) board_.runs(program_.step(end).stream, end);
    const Instant start = ride_.move(id);
    if (postman_) postman_->post(id, start + pacer_.message_time(message.channel));
    else deliver(id, ready);
  }
}

/// Whoever waits for the message may go on, even into the next iteration: that comes last.
void ThreadedRun::deliver(MessageId id, std::vector<MessageId>& ready) {
  const Message& message = program_.messages()[index_of(id)];
  for (const StepId end : {message.send, message.receive}) {
    const Stream& stream = program_.stream(program_.step(end).stream);
    const bool is_last = index_of(end) + 1 == index_of(stream.first) + stream.count;
    if (is_last) board_.rests(program_.step(end).stream);
    else board_.waits(program_.step(end).stream, static_cast<StepId>(index_of(end) + 1), kNone<StepId>);
  }
  for (const StepId end : {message.send, message.receive}) messages_.ended(end, ready);
  for (const StepId end : {message.send, message.receive})
    ended_[index_of(program_.step(end).stream)].advance(control_.crowd());
}

void ThreadedRun::await_message(StreamId stream) { board_.waits(stream, program_.stream(stream).first, kNone<StepId>); }

/// A message that is not under way has no thread that would have said what it waits for.
void ThreadedRun::say_what_messages_wait_for() {
  for (std::uint32_t i = 0; i < program_.streams().size(); ++i) {
    const Stream& stream = program_.streams()[i];
    if (!holds_messages(program_, stream)) continue;
    const auto next = static_cast<StepId>(index_of(stream.first) + ended_[i].value() % stream.count);
    const auto iteration = static_cast<std::uint32_t>(iteration_.load(std::memory_order_relaxed));
    for (const Wait& wait : waits_.of(next)) {
      const Stream& other = program_.stream(wait.stream);
      const std::uint32_t missing = iteration * other.count + wait.count - ended_[index_of(wait.stream)].value();
      if (static_cast<std::int32_t>(missing) > 0)
        board_.waits_for(static_cast<StreamId>(i), static_cast<StepId>(index_of(other.first) + wait.count - 1));
    }
  }
}

/// Those of its stream that come before an inline step may be the stream's own thread's. The compute step would wait for them,
/// too.
void ThreadedRun::await_turn(StepId step, std::int64_t iteration) {
  const StreamId stream = program_.step(step).stream;
  const Stream& row = program_.stream(stream);
  const std::uint32_t earlier = static_cast<std::uint32_t>(iteration) * row.count;
  ended_[index_of(stream)].wait_for(earlier + index_of(step) - index_of(row.first), control_);
}

void ThreadedRun::run_iteration(StreamId stream, std::int64_t iteration) {
  const Stream& row = program_.stream(stream);
  for (std::uint32_t i = 0; i < row.count; ++i) {
    const auto step = static_cast<StepId>(index_of(row.first) + i);
    for (const StepId before : inline_.before(step)) {
      await_turn(before, iteration);
      run_step(before, iteration);
    }
    if (!inline_.contains(step)) run_step(step, iteration);
    else ended_[index_of(stream)].wait_for(static_cast<std::uint32_t>(iteration) * row.count + i + 1, control_);
  }
  board_.rests(stream);
  if (row.kind == StreamKind::compute) rest_inline_streams(row.worker);
}

/// Those that this worker's compute thread runs as a whole.
void ThreadedRun::rest_inline_streams(WorkerId worker) {
  for (std::uint32_t i = 0; i < program_.streams().size(); ++i) {
    const Stream& stream = program_.streams()[i];
    const auto id = static_cast<StreamId>(i);
    if (stream.worker == worker && stream.count > 0 && stream.kind != StreamKind::compute &&
        !holds_messages(program_, stream) && inline_.contains_all(id))
      board_.rests(id);
  }
}

/// A stream whose first step waits for another stream need not pass the gate: that wait is a later one.
void ThreadedRun::stream_main(StreamId stream) try {
  const InCrowd awake(control_.crowd());
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
