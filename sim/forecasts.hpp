#pragma once
// Forecasts of collectives: when each member will end, so that none of the exchanges before needs an event.

#include <cstdint>
#include <span>
#include <vector>

#include "plan/prices.hpp"
#include "plan/program.hpp"
#include "sim/round_times.hpp"
#include "sim/shared_hardware.hpp"

namespace tandem {

enum class Foresight : std::uint8_t {
  collectives,
  none,  ///< all go by rounds: the same times, for comparison
};

/// A collective is foreseen while no flow of others is on a link of a member that has come. From when a member comes
/// until it ends, the links that are its own (RoundTimes) are held for it. The exchange from i to j of round k, entered
/// by i at S(k, i), then begins at max(S(k, i), S(k, j)), ends a fixed time later, and S(k + 1, i) is the latest end of
/// an exchange that i has in round k. So, once all have come, all ends follow; no member ends before (all need all).
///
/// Why the times are those of the rounds played one by one: that recursion is what CollectiveRounds does, and a flow
/// alone on its links takes its time alone, to the picosecond (FlowNetwork). What ends has begun earlier, as latencies
/// are positive; so its event, or its flow's, is in the queue before the instant, and is handed out with the first
/// events of it. Within that no order matters (Engine).
///
/// Where a flow comes upon a link that is held, or a member upon a link that is not free, the collective is resumed:
/// its state at that instant follows from the same recursion, and from then on it goes by rounds. A flow that has been
/// under way joins with its beginning in the past: it was alone, so its progress has not been touched.
class Forecasts {
 public:
  /// The first three must outlive this.
  Forecasts(const Program& program, const Prices& prices, const SharedHardware& hardware, Foresight foresight);

  enum class Entry : std::uint8_t {
    foreseen,   ///< wait for the others
    complete,   ///< the last has come: ends_of() says when each member ends
    by_rounds,  ///< not foreseen
    in_the_way, ///< not foreseen, and resume() is due first
  };
  Entry enter(StepId member, std::int64_t now);

  /// By rank, of the member's collective, which is complete.
  std::span<const std::int64_t> ends_of(StepId member);

  static constexpr std::int64_t kNotNow = -1;
  /// The member ends now; returns when its first exchange began. kNotNow: the end was foreseen before something came in
  /// the way.
  std::int64_t end(StepId member, std::int64_t now);

  /// A member for which one of the links is held; kNone: all are free.
  StepId held_for(std::span<const std::uint32_t> links) const {
    if (held_.empty()) return kNone<StepId>;
    for (const std::uint32_t link : links)
      if (held_[link] != kNone<StepId>) return held_[link];
    return kNone<StepId>;
  }

  /// Where the members are at an instant. A member's `began` is kNotNow if none of its exchanges has begun.
  struct Place {
    StepId member;
    std::uint32_t round;
    std::uint8_t open;  ///< of its exchanges of the round
    std::int64_t began;
  };
  struct Exchange {
    StreamId sender;
    std::int64_t begin, end;
  };
  struct State {
    std::vector<Place> places;          ///< of members that have come and not ended
    std::vector<Exchange> under_way;
  };
  /// From `now` on the collective of the member goes by rounds, beginning with this state.
  void resume(StepId some_member, std::int64_t now, State& state);

 private:
  static constexpr std::uint32_t kNobody = 0xffffffff, kByRounds = 0xfffffffe;
  static constexpr std::int64_t kNotYet = std::int64_t{1} << 62;  ///< no sum with RoundTimes::kLongest overflows

  /// By rank: when the member came (kNotYet), when its first exchange began, and when it ends.
  struct Forecast {
    std::uint32_t come = 0, ended = 0;
    std::vector<std::int64_t> entered, began, ends;
  };

  std::uint32_t& forecast_of(StepId member);
  RoundTimes& times_of(CollectiveSpecId spec);
  std::uint32_t start(std::uint32_t ranks);
  bool hold(std::span<const std::uint32_t> links, StepId member);
  void release(std::span<const std::uint32_t> links);
  void foresee(Forecast& forecast, RoundTimes& times);
  void play(const RoundTimes::Round& round);
  void note_begins(const RoundTimes::Round& round, std::vector<std::int64_t>& began) const;
  void place(Place at, std::uint32_t rank, const RoundTimes::Round& round, std::int64_t now, State& state) const;

  const Program& program_;
  const Prices& prices_;
  const SharedHardware& hardware_;
  std::vector<std::uint32_t> forecast_of_;  ///< by CollectiveId: in forecasts_; kNobody: nobody has come
  std::vector<std::uint32_t> times_index_;  ///< by CollectiveSpecId: in times_; kNobody: nobody has asked
  std::vector<RoundTimes> times_;
  std::vector<Forecast> forecasts_;
  std::vector<std::uint32_t> free_;         ///< of forecasts_
  std::vector<StepId> held_;                ///< by link: the member for which it is held
  std::vector<RoundTimes::Users> users_;    ///< by link, scratch
  std::size_t room_;                        ///< of the rounds that RoundTimes keep, as many in all as there are steps
  std::vector<std::int64_t> entered_, ends_, next_;  ///< by rank, of the round that is played
};

}  // namespace tandem
