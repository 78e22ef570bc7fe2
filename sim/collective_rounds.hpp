#pragma once
// Collectives round by round: in which round each member is, and which exchanges can begin.

#include <cstdint>
#include <span>
#include <vector>

#include "plan/prices.hpp"
#include "plan/program.hpp"
#include "sim/peer_routes.hpp"

namespace tandem {

/// A member enters round k + 1 when its own send and receive of round k are over. The message of round k from i to j
/// can begin once both are in round k. Whoever comes second finds the other there, so no table of pairs is kept: a
/// stream is in one collective at a time, and its state, one cache line, is all there is. An exchange is named by the
/// stream of its sender. The cost of one does not depend on the number of members; nothing is allocated.
class CollectiveRounds {
 public:
  /// Both must outlive this.
  CollectiveRounds(const Program& program, const Prices& prices);

  /// The step's member enters its first round. Returns false where it has nothing to exchange in any. Appends the
  /// exchanges that can begin.
  bool enter(StepId step, std::vector<StreamId>& ready);
  /// The member is in that round, with `open` exchanges of it that are not over; `begun`: one of its exchanges has
  /// begun.
  void resume(StepId step, std::uint32_t round, std::uint8_t open, bool begun);
  /// The exchange is over: its two ends go on where nothing else of their round is open. Appends the exchanges that can
  /// begin, and the steps whose last round is over.
  void end_exchange(StreamId sender, std::vector<StreamId>& ready, std::vector<StepId>& ended);

  /// The exchange begins: calls begin(step) for those of its two ends for which it is the first.
  template <class Begin>
  void begin_exchange(StreamId sender, Begin begin) {
    Member& from = members_[index_of(sender)];
    for (Member* end : {&from, &members_[from.to]}) {
      if (end->begun) continue;
      end->begun = true;
      begin(end->step);
    }
  }

  StreamId receiver_of(StreamId sender) const { return static_cast<StreamId>(members_[index_of(sender)].to); }
  StepId step_of(StreamId sender) const { return members_[index_of(sender)].step; }
  const RoutePrice& route_of(StreamId sender) const { return prices_.routes[members_[index_of(sender)].route]; }
  /// What moves.
  double bytes_of(StreamId sender) const {
    const Member& from = members_[index_of(sender)];
    return moved_bytes(from.bytes, members_[from.to].adds, route_of(sender));
  }

 private:
  struct Member {
    const CollectiveSpec* spec = nullptr;
    std::span<const PeerRoute> peers{};
    double bytes = 0;                     ///< that it sends in this round
    StepId step{};
    std::uint32_t collective = kNobody;
    std::uint32_t rank = 0, round = 0, rounds = 0;
    std::uint32_t to = kNobody;           ///< stream
    std::uint32_t route = 0;
    std::uint32_t last_peer = 0;          ///< in peers
    std::uint8_t open = 0;                ///< of its send and its receive of this round
    bool adds = false, begun = false;
  };
  static constexpr std::uint32_t kNobody = 0xffffffff;

  Member& member_at(StepId step);
  RoundExchange prepare(Member& member) const;
  bool enter_round(std::uint32_t stream, std::vector<StreamId>& ready);
  void close(std::uint32_t stream, std::vector<StreamId>& ready, std::vector<StepId>& ended);
  std::uint32_t stream_of(const Member& member, std::uint32_t rank) const;
  bool meets(const Member& member, std::uint32_t stream) const;

  const Program& program_;
  const Prices& prices_;
  std::vector<Member> members_;               ///< by StreamId
  std::vector<std::uint32_t> worker_streams_;  ///< by worker and kind
};

}  // namespace tandem
