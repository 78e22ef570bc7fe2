#pragma once
// Messages have no threads of their own: whoever readies the second end of one moves it.
//
// 1. An end is ready once all that it waits for has ended, and so has the end before it in its stream.
// 2. The thread that ends the last step that either end waited for gets the message, to move it at once.
// 3. So a message costs no hand-over but the one to the thread that waits for it.

#include <atomic>
#include <memory>
#include <vector>

#include "exec/waits.hpp"
#include "plan/program.hpp"

namespace tandem {

class MessageMoves {
 public:
  /// Both outlive this.
  MessageMoves(const Program& program, const Waits& waits);

  /// Between iterations, by one thread: appends the messages whose ends wait for nothing.
  void start_iteration(std::vector<MessageId>& ready);
  /// From the thread that ended `step`: appends the messages that both ends are ready for now. Each message comes out
  /// once an iteration; what was done before its ends' last steps ended is visible to who gets it.
  void ended(StepId step, std::vector<MessageId>& ready);

 private:
  void met(StepId end, std::vector<MessageId>& ready);
  std::uint32_t needs(StepId end) const;

  const Program& program_;
  const Waits& waits_;
  std::vector<std::uint32_t> first_;              ///< by StepId, + 1: its ends are waiting_[first_[step]], ...
  std::vector<StepId> waiting_;                   ///< the message ends that wait for each step
  std::unique_ptr<std::atomic<std::uint32_t>[]> unmet_;   ///< by StepId of an end: what it still waits for
  std::unique_ptr<std::atomic<std::uint8_t>[]> absent_;   ///< by MessageId: its ends that are not ready
};

}  // namespace tandem
