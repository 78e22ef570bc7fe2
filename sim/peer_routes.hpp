#pragma once
// What a message of a collective takes: its route, and the bytes that move.

#include <cstdint>
#include <span>

#include "base/error.hpp"
#include "plan/prices.hpp"

namespace tandem {

/// Index into Prices::routes. Peers come again in the order in which they came first, or one has but few: the search
/// goes on from the last one, whose index in `peers` is `last`.
inline std::uint32_t route_to(std::span<const PeerRoute> peers, std::uint32_t peer, std::uint32_t& last) {
  for (std::size_t tried = 0; tried < peers.size(); ++tried) {
    if (peers[last].peer == peer) return peers[last].route;
    if (++last == peers.size()) last = 0;
  }
  invariant(false, "a collective's messages have routes");
  return 0;
}

/// More than is sent where the receiver adds (RoutePrice::adding).
inline double moved_bytes(double sent, bool adds, const RoutePrice& route) {
  return adds ? sent * route.adding : sent;
}

}  // namespace tandem
