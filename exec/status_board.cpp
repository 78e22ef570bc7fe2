#include "exec/status_board.hpp"

#include <fmt/format.h>

namespace tandem {

void StatusBoard::set(StreamId stream, State state, StepId step, StepId for_step) {
  Row& row = rows_[index_of(stream)];
  row.step.store(step, std::memory_order_relaxed);
  row.for_step.store(for_step, std::memory_order_relaxed);
  row.since.store(now().time_since_epoch().count(), std::memory_order_relaxed);
  row.state.store(state, std::memory_order_relaxed);
}

std::string StatusBoard::line(const Row& row, Instant time) const {
  const Instant since{Instant::duration{row.since.load(std::memory_order_relaxed)}};
  const double seconds = to_seconds(between(since, time)).value;
  const StepId step = row.step.load(std::memory_order_relaxed);
  const StepId for_step = row.for_step.load(std::memory_order_relaxed);
  if (step == kNone<StepId>) return "";
  const std::string name = program_.describe(step);
  if (row.state.load(std::memory_order_relaxed) == State::waiting && for_step != kNone<StepId>)
    return fmt::format("\n  {}: waits for {}, since {:.3f} s", name, program_.describe(for_step), seconds);
  const StepKind kind = program_.step(step).kind;
  if (kind != StepKind::send && kind != StepKind::receive) return fmt::format("\n  {}: runs since {:.3f} s", name, seconds);
  const Message& message = program_.message(step);
  const StepId other = kind == StepKind::send ? message.receive : message.send;
  return fmt::format("\n  {}: waits for {}, since {:.3f} s", name, program_.describe(other), seconds);
}

std::string StatusBoard::report(Instant time) const {
  std::string text;
  for (const Row& row : rows_)
    if (row.state.load(std::memory_order_relaxed) != State::resting) text += line(row, time);
  return text;
}

}  // namespace tandem
