#pragma once
// A collective between threads: each member runs its own rounds and takes what it receives from the sender's memory.
//
// 1. A rank publishes that it has entered a round; from then on its vector may be read by whom it sends to.
// 2. It leaves the round when it has taken its own message and its receiver has taken the other one: what is sent is
//    not written before it was read, and nobody is more than a round ahead of one that it exchanges with.
// 3. Both counters count rounds over all collectives of the spec, which its members run in the same order.

#include <vector>

#include "exec/stop_control.hpp"
#include "exec/transfer.hpp"
#include "plan/program.hpp"

namespace tandem {

/// The members of one spec, each on a thread of its own. Holds no byte of the vectors.
class CollectiveMeeting {
 public:
  /// Both outlive this. Before threads start.
  CollectiveMeeting(const CollectiveSpec& spec, StopControl& control);

  /// The rank's part of the next collective, on its thread. Blocks until its last round is over. Throws Stopped.
  Transfer run(std::uint32_t rank, std::byte* vector);

 private:
  struct Place {
    Signal entered, received;           ///< rounds so far
    std::uint32_t rounds = 0;           ///< of earlier collectives, and of this one so far; of the rank's thread
    std::byte* vector = nullptr;            ///< read by others between `entered` and their `received`
    Instant entered_at;                 ///< likewise
    alignas(64) Instant met_at;         ///< written by the receiver before `received`: when both had entered
  };
  /// When both ends of all the rank's messages of this round had entered it; `entered_at` when it has none.
  Instant run_round(std::uint32_t rank, std::uint32_t round, const RoundExchange& exchange);
  Instant take(Place& mine, std::uint32_t round, const RoundExchange& exchange);

  const CollectiveSpec& spec_;
  StopControl& control_;
  std::vector<Place> places_;  ///< by rank
};

}  // namespace tandem
