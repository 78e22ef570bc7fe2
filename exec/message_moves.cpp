#include "exec/message_moves.hpp"

namespace tandem {
namespace {

/// The end before this one in its stream, which it waits for, or none.
StepId before_in_stream(const Program& program, StepId step) {
  const StepId first = program.stream(program.step(step).stream).first;
  return step == first ? kNone<StepId> : static_cast<StepId>(index_of(step) - 1);
}

/// Calls visit(earlier, end) for all that each message's end waits for.
template <class Visit>
void for_each_wait(const Program& program, const Waits& waits, Visit visit) {
  for (const Message& message : program.messages())
    for (const StepId end : {message.send, message.receive}) {
      if (const StepId before = before_in_stream(program, end); before != kNone<StepId>) visit(before, end);
      for (const Wait& wait : waits.of(end))
        visit(static_cast<StepId>(index_of(program.stream(wait.stream).first) + wait.count - 1), end);
    }
}

}  // namespace

MessageMoves::MessageMoves(const Program& program, const Waits& waits)
    : program_(program), waits_(waits), first_(program.step_count() + 1),
      unmet_(std::make_unique<std::atomic<std::uint32_t>[]>(program.step_count())),
      absent_(std::make_unique<std::atomic<std::uint8_t>[]>(program.messages().size())) {
  for_each_wait(program, waits, [&](StepId earlier, StepId) { ++first_[index_of(earlier) + 1]; });
  for (std::size_t i = 1; i < first_.size(); ++i) first_[i] += first_[i - 1];
  waiting_.resize(first_.back());
  std::vector<std::uint32_t> next = first_;
  for_each_wait(program, waits, [&](StepId earlier, StepId end) { waiting_[next[index_of(earlier)]++] = end; });
}

std::uint32_t MessageMoves::needs(StepId end) const {
  const bool follows = before_in_stream(program_, end) != kNone<StepId>;
  return static_cast<std::uint32_t>(waits_.of(end).size()) + (follows ? 1 : 0);
}

void MessageMoves::start_iteration(std::vector<MessageId>& ready) {
  const std::span<const Message> messages = program_.messages();
  for (std::size_t i = 0; i < messages.size(); ++i) {
    absent_[i].store(2, std::memory_order_relaxed);
    for (const StepId end : {messages[i].send, messages[i].receive})
      unmet_[index_of(end)].store(needs(end), std::memory_order_relaxed);
  }
  for (const Message& message : messages)
    for (const StepId end : {message.send, message.receive})
      if (needs(end) == 0) met(end, ready);
}

void MessageMoves::ended(StepId step, std::vector<MessageId>& ready) {
  for (std::uint32_t i = first_[index_of(step)]; i < first_[index_of(step) + 1]; ++i)
    if (unmet_[index_of(waiting_[i])].fetch_sub(1, std::memory_order_acq_rel) == 1) met(waiting_[i], ready);
}

/// An end is ready.
void MessageMoves::met(StepId end, std::vector<MessageId>& ready) {
  const auto message = static_cast<MessageId>(program_.step(end).object);
  if (absent_[index_of(message)].fetch_sub(1, std::memory_order_acq_rel) == 1) ready.push_back(message);
}

}  // namespace tandem
