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

void StatusBoard::rests(StreamId stream) {
  rows_[index_of(stream)].iteration.fetch_add(1, std::memory_order_relaxed);
  set(stream, State::resting, kNone<StepId>, kNone<StepId>);
}

bool StatusBoard::has_reached(const Row& row, StepId step) const {
  const Row& other = rows_[index_of(program_.step(step).stream)];
  const auto mine = row.iteration.load(std::memory_order_relaxed);
  const auto theirs = other.iteration.load(std::memory_order_relaxed);
  if (mine != theirs) return theirs > mine;
  const StepId at = other.step.load(std::memory_order_relaxed);
  if (at == kNone<StepId>) return false;
  return at > step || (at == step && other.state.load(std::memory_order_relaxed) == State::running);
}

std::string StatusBoard::missing_members(const Row& row, StepId member) const {
  constexpr std::size_t kShown = 4;
  std::vector<std::string> names;
  std::size_t missing = 0;
  for (const CollectiveMember& other : program_.members(program_.collective(member)))
    if (other.step != member && !has_reached(row, other.step) && ++missing <= kShown)
      names.push_back(program_.describe(other.step));
  const std::string more = missing > kShown ? fmt::format(" and {} more", missing - kShown) : "";
  return fmt::format("{}{}", fmt::join(names, " and "), more);
}

std::string StatusBoard::awaited(const Row& row, StepId step) const {
  const StepKind kind = program_.step(step).kind;
  if (kind == StepKind::collective) return missing_members(row, step);
  if (!is_message_end(kind)) return "";  // copies wait for nobody
  const Message& message = program_.message(step);
  return program_.describe(kind == StepKind::send ? message.receive : message.send);
}

std::string StatusBoard::line(const Row& row, Instant time) const {
  const Instant since{Instant::duration{row.since.load(std::memory_order_relaxed)}};
  const double seconds = to_seconds(between(since, time)).value;
  const StepId step = row.step.load(std::memory_order_relaxed);
  const StepId for_step = row.for_step.load(std::memory_order_relaxed);
  if (step == kNone<StepId>) return "";
  const bool waits = row.state.load(std::memory_order_relaxed) == State::waiting && for_step != kNone<StepId>;
  const std::string whom = waits ? program_.describe(for_step) : awaited(row, step);
  const std::string does = whom.empty() ? "runs" : fmt::format("waits for {},", whom);
  return fmt::format("\n  {}: {} since {:.3f} s", program_.describe(step), does, seconds);
}

std::string StatusBoard::report(Instant time) const {
  std::string text;
  for (const Row& row : rows_)
    if (row.state.load(std::memory_order_relaxed) != State::resting) text += line(row, time);
  return text;
}

}  // namespace tandem
