#include "exec/collective_meeting.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "exec/collective_rounds.hpp"

namespace tandem {

CollectiveMeeting::CollectiveMeeting(const CollectiveSpec& spec, StopControl& control)
    : spec_(spec), control_(control), places_(spec.shape.ranks) {
  for (Place& place : places_) {
    control.watch(place.entered);
    control.watch(place.received);
  }
}

Instant CollectiveMeeting::take(Place& mine, std::uint32_t round, const RoundExchange& exchange) {
  Place& sender = places_[exchange.from];
  sender.entered.wait_for(mine.rounds, control_);
  sender.met_at = std::max(mine.entered_at, sender.entered_at);
  const Instant met_at = sender.met_at;
  const RoundExchange sent = spec_.algorithm->exchange(spec_.shape, exchange.from, round);
  take_message(spec_.shape, sent, sender.vector, exchange, mine.vector);
  return met_at;
}

Instant CollectiveMeeting::run_round(std::uint32_t rank, std::uint32_t round, const RoundExchange& exchange) {
  Place& mine = places_[rank];
  mine.entered_at = now();
  Instant met_at = mine.entered_at;
  ++mine.rounds;
  mine.entered.advance(control_.crowd());
  if (exchange.from != kNoRank) met_at = take(mine, round, exchange);
  mine.received.advance(control_.crowd());
  if (exchange.to == kNoRank) return met_at;
  places_[exchange.to].received.wait_for(mine.rounds, control_);
  return std::max(met_at, mine.met_at);
}

Transfer CollectiveMeeting::run(std::uint32_t rank, std::byte* vector) {
  invariant(rank < places_.size(), "the rank is in the group");
  places_[rank].vector = vector;
  Transfer transfer{now(), {}};
  copy_own(spec_.shape, rank, vector);
  const std::uint32_t rounds = spec_.algorithm->rounds(spec_.shape);
  bool has_met = false;
  for (std::uint32_t round = 0; round < rounds; ++round) {
    const RoundExchange exchange = spec_.algorithm->exchange(spec_.shape, rank, round);
    const Instant met_at = run_round(rank, round, exchange);
    if (!has_met) transfer.ready = met_at;
    has_met = has_met || exchange.to != kNoRank || exchange.from != kNoRank;
  }
  transfer.done = now();
  return transfer;
}

}  // namespace tandem
