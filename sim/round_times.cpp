#include "sim/round_times.hpp"

#include <algorithm>
#include <functional>

#include "sim/clock.hpp"
#include "sim/peer_routes.hpp"
#include "sim/shared_hardware.hpp"

namespace tandem {

RoundTimes::RoundTimes(const CollectiveSpec& spec, const CollectivePrice& price, const Prices& prices,
                       const SharedHardware& hardware, std::vector<Users>& users, std::size_t& room)
    : spec_(&spec), price_(&price), prices_(&prices), hardware_(&hardware) {
  foreseeable_ = ranks() > 1 && all_need_all() && moves_by_links() && find_owners(users);
  if (foreseeable_) time_rounds(room);
}

/// What a member ends with depends on what each other one brings, as no block is empty.
bool RoundTimes::all_need_all() const {
  const CollectiveShape& shape = spec_->shape;
  switch (shape.kind) {
    case CollectiveKind::all_reduce:
    case CollectiveKind::reduce_scatter:
    case CollectiveKind::all_gather:
      return std::ranges::adjacent_find(shape.bounds, std::greater_equal<>()) == shape.bounds.end();
    case CollectiveKind::all_to_all: return shape.elements() > 0;
    default: return false;
  }
}

bool RoundTimes::moves_by_links() const {
  return std::ranges::all_of(price_->peers, [this](const PeerRoute& peer) {
    const RoutePrice& route = prices_->routes[peer.route];
    return route.resource == kExclusive && route.latency.count > 0;
  });
}

/// Calls visit(rank, peer, link) for every link of every route.
template <class Visit>
void RoundTimes::for_each_link(Visit visit) const {
  for (std::uint32_t rank = 0; rank < ranks(); ++rank)
    for (const PeerRoute& peer : price_->peers_of(rank))
      for (const std::uint32_t link : prices_->links_of(prices_->routes[peer.route])) visit(rank, peer.peer, link);
}

/// False where a link is nobody's own.
bool RoundTimes::find_owners(std::vector<Users>& users) {
  for_each_link([&](std::uint32_t rank, std::uint32_t peer, std::uint32_t link) {
    Users& at = users[link];
    at = at.any ? Users{at.sender == rank ? rank : kNoRank, at.receiver == peer ? peer : kNoRank, true}
                : Users{rank, peer, true};
  });
  std::vector<std::vector<std::uint32_t>> own(ranks());
  bool all_owned = true;
  for_each_link([&](std::uint32_t, std::uint32_t, std::uint32_t link) {
    const Users at = std::exchange(users[link], {});
    if (!at.any) return;  // was counted on another route
    const std::uint32_t owner = at.sender != kNoRank ? at.sender : at.receiver;
    if (owner == kNoRank) all_owned = false;
    else own[owner].push_back(link);
  });
  first_link_.push_back(0);
  for (const std::vector<std::uint32_t>& links : own) {
    links_.insert(links_.end(), links.begin(), links.end());
    first_link_.push_back(static_cast<std::uint32_t>(links_.size()));
  }
  return all_owned;
}

void RoundTimes::time_rounds(std::size_t& room) {
  const std::uint32_t rounds = spec_->algorithm->rounds(spec_->shape);
  const std::size_t entries = std::size_t{rounds} * ranks();
  kept_ = entries <= room;
  if (kept_) room -= entries;
  for (std::vector<std::uint32_t>* peers : {&to_, &from_}) peers->resize(kept_ ? entries : ranks());
  time_.resize(to_.size());
  exchanges_.resize(ranks());
  last_peer_.assign(ranks(), 0);
  left_.assign(rounds + std::size_t{1}, 0);
  std::vector<bool> begun(ranks(), false);
  for (std::uint32_t index = 0; index < rounds && foreseeable_; ++index) foreseeable_ = take_in(index, begun);
  for (std::uint32_t index = rounds; index-- > 0;)
    left_[index] = left_[index] == kUneven || left_[index + 1] == kUneven ? kUneven : left_[index] + left_[index + 1];
}

/// Reckons the round; left_ is what it takes alone. False where the rounds up to this one take too long.
bool RoundTimes::take_in(std::uint32_t index, std::vector<bool>& begun) {
  reckon(index);
  const std::size_t first = entry(index);
  bool even = true;
  for (std::uint32_t rank = 0; rank < ranks(); ++rank) {
    const bool sends = to_[first + rank] != rank, receives = from_[first + rank] != rank;
    even &= sends && receives && time_[first + rank] == time_[first];
    if ((!sends && !receives) || begun[rank]) continue;
    begun[rank] = true;
    all_begun_ = index + 1;
  }
  const auto times = std::span(time_).subspan(first, ranks());
  left_[index] = even ? times.front() : kUneven;
  longest_ += std::min(*std::ranges::max_element(times), kLongest);
  return longest_ < kLongest;
}

RoundTimes::Round RoundTimes::round(std::uint32_t index) {
  if (!kept_) reckon(index);
  const std::size_t first = entry(index);
  return {std::span(to_).subspan(first, ranks()), std::span(from_).subspan(first, ranks()),
          std::span(time_).subspan(first, ranks())};
}

void RoundTimes::reckon(std::uint32_t index) {
  const std::size_t first = entry(index);
  for (std::uint32_t rank = 0; rank < ranks(); ++rank)
    exchanges_[rank] = spec_->algorithm->exchange(spec_->shape, rank, index);
  for (std::uint32_t rank = 0; rank < ranks(); ++rank) {
    const auto [to, from, sent, received, adds] = exchanges_[rank];
    to_[first + rank] = to == kNoRank ? rank : to;
    from_[first + rank] = from == kNoRank ? rank : from;
    time_[first + rank] = 0;
    if (to == kNoRank) continue;
    const RoutePrice& route = prices_->routes[route_to(price_->peers_of(rank), to, last_peer_[rank])];
    const double bytes = static_cast<double>(spec_->shape.bytes(sent).count);
    time_[first + rank] =
        later(route.latency.count, hardware_->time_alone(route, moved_bytes(bytes, exchanges_[to].adds, route)));
  }
}

}  // namespace tandem
