#pragma once
// Workers that compute or exchange, never both (bulk-synchronous devices): who may start now, and who is held back.

#include <cstdint>
#include <span>
#include <vector>

#include "plan/prices.hpp"
#include "plan/program.hpp"

namespace tandem {

/// The rule, for workers that forbid overlap: an exchange (a message between two workers, or a collective of many) that
/// is ready moves once none of its workers computes; a compute step starts once no exchange of its worker is ready or
/// moving. So exchanges that are ready go first, one waits for at most the one step that each of its workers is in, and
/// neither can starve or block the other. Workers that allow overlap pass freely. An exchange is named by one of its
/// steps, always the same.
class OverlapGuard {
 public:
  OverlapGuard(const Program& program, const Prices& prices);

  bool guards(WorkerId worker) const { return any_ && forbids_[index_of(worker)]; }
  bool guards(const Channel& channel) const { return guards(channel.from) || guards(channel.to); }
  bool guards_any(std::span<const WorkerId> workers) const;

  /// Whether `step` may start on its guarded worker; if not, it is held until exchange_ended() hands it back.
  bool may_compute(WorkerId worker, StepId step);
  /// Appends the exchanges that the end of the compute step lets try again.
  void compute_ended(WorkerId worker, std::vector<StepId>& released);
  /// From now until exchange_ended() no compute step starts on these workers.
  void exchange_ready(std::span<const WorkerId> workers);
  /// Whether the ready exchange may move; if not, it is held until compute_ended() hands it back.
  bool may_move(std::span<const WorkerId> workers, StepId exchange);
  /// Appends the compute step that the end of the exchange on this worker lets try again.
  void exchange_ended(WorkerId worker, std::vector<StepId>& released);

 private:
  struct State {
    bool computes = false;
    std::uint32_t exchanges = 0;  ///< ready or moving
    StepId held_step = kNone<StepId>;
    std::vector<StepId> held_exchanges;
  };

  bool any_ = false;
  std::vector<bool> forbids_;
  std::vector<State> states_;  ///< by worker
};

}  // namespace tandem
