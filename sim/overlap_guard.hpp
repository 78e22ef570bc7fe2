#pragma once
// Workers that compute or exchange, never both (bulk-synchronous devices): who may start now, and who is held back.

#include <cstdint>
#include <vector>

#include "plan/prices.hpp"
#include "plan/program.hpp"

namespace tandem {

/// The rule, for workers that forbid overlap: a message that is ready moves once neither of its workers computes; a
/// compute step starts once no message of its worker is ready or moving. So exchanges that are ready go first, a
/// message waits for at most the one step that each of its workers is in, and neither can starve or block the other.
/// Workers that allow overlap pass freely.
class OverlapGuard {
 public:
  OverlapGuard(const Program& program, const Prices& prices);

  bool guards(WorkerId worker) const { return any_ && forbids_[index_of(worker)]; }
  bool guards(const Channel& channel) const { return guards(channel.from) || guards(channel.to); }

  /// Whether `step` may start on its guarded worker; if not, it is held until message_ended() hands it back.
  bool may_compute(WorkerId worker, StepId step);
  /// Appends the messages that the end of the compute step lets try again.
  void compute_ended(WorkerId worker, std::vector<MessageId>& released);
  /// From now until message_ended() no compute step starts on the message's workers.
  void message_ready(const Channel& channel);
  /// Whether the ready message may move; if not, it is held until compute_ended() hands it back.
  bool may_move(const Channel& channel, MessageId message);
  /// Appends the compute steps that the end of the message lets try again.
  void message_ended(const Channel& channel, std::vector<StepId>& released);

 private:
  struct State {
    bool computes = false;
    std::uint32_t exchanges = 0;  ///< ready or moving
    StepId held_step = kNone<StepId>;
    std::vector<MessageId> held_messages;
  };
  template <class Visit>
  void each_end(const Channel& channel, Visit visit);

  bool any_ = false;
  std::vector<bool> forbids_;
  std::vector<State> states_;  ///< by worker
};

}  // namespace tandem
