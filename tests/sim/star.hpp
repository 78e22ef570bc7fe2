#pragma once
// Groups of workers around a switch: a link out of each and a link into each, and collectives over them.

#include "tests/sim/scenario.hpp"

namespace tandem::test {

struct StarTimes {
  std::int64_t latency = 0;
  double bytes_per_second = 1e12;  ///< of each link: 1 byte a picosecond
  bool shared = true;              ///< false: no link is shared
};

/// Workers that talk over the star.
class Star {
 public:
  Star(Scenario& scenario, std::size_t ranks, const StarTimes& times, std::uint32_t cores = kExclusive)
      : scenario_(scenario), times_(times) {
    for (std::size_t i = 0; i < ranks; ++i) workers.push_back(scenario.worker(cores));
    first_link_ = static_cast<std::uint32_t>(scenario.prices().link_bytes_per_second.size());
    if (times.shared) scenario.prices().link_bytes_per_second.resize(first_link_ + 2 * ranks, times.bytes_per_second);
  }

  double& out_of(std::size_t rank) { return scenario_.prices().link_bytes_per_second[first_link_ + 2 * rank]; }

  std::uint32_t route(std::uint32_t from, std::uint32_t to) {
    Prices& prices = scenario_.prices();
    const auto first = static_cast<std::uint32_t>(prices.route_links.size());
    if (times_.shared)
      for (const std::uint32_t link : {2 * from, 2 * to + 1}) prices.route_links.push_back(first_link_ + link);
    prices.routes.push_back({{times_.latency}, times_.bytes_per_second, kExclusive, first,
                             times_.shared ? 2u : 0u});
    return static_cast<std::uint32_t>(prices.routes.size() - 1);
  }

  /// A message of 64 bytes (Scenario's) on a channel of its own.
  MessageId message(std::uint32_t from, std::uint32_t to, StreamKind stream = StreamKind::send_forward) {
    const ChannelId channel = scenario_.channel(workers[from], workers[to], {}, stream);
    const auto transfer = static_cast<std::int64_t>(64e12 / times_.bytes_per_second);
    scenario_.prices().channels[index_of(channel)] = {route(from, to), {transfer}};
    return scenario_.message(channel);
  }

  CollectiveSpecId spec(CollectiveShape shape, std::string_view algorithm, StreamKind stream = StreamKind::tensor) {
    CollectiveSpec spec{"group", std::move(shape), &find_collective_algorithm(algorithm), stream, workers,
                        std::vector<CollectivePayload>(workers.size(), {BufferContent::gradients, 0})};
    CollectivePrice price;
    price.first_peer.push_back(0);
    for (std::uint32_t rank = 0; rank < spec.shape.ranks; ++rank) add_peers(spec, rank, price);
    scenario_.prices().collectives.push_back(std::move(price));
    return scenario_.builder().add_collective_spec(std::move(spec));
  }
  CollectiveId collective(CollectiveSpecId spec) { return scenario_.builder().add_collective(spec, 0); }
  CollectiveId collective(CollectiveShape shape, std::string_view algorithm) {
    return collective(spec(std::move(shape), algorithm));
  }
  StepId step(CollectiveId collective, std::uint32_t rank) { return scenario_.builder().step_of(collective, rank); }

  std::vector<WorkerId> workers;

 private:
  void add_peers(const CollectiveSpec& spec, std::uint32_t rank, CollectivePrice& price) {
    const std::size_t first = price.peers.size();
    for (std::uint32_t round = 0; round < spec.algorithm->rounds(spec.shape); ++round) {
      const std::uint32_t to = spec.algorithm->exchange(spec.shape, rank, round).to;
      bool known = to == kNoRank;
      for (std::size_t i = first; i < price.peers.size(); ++i) known |= price.peers[i].peer == to;
      if (!known) price.peers.push_back({to, route(rank, to)});
    }
    price.first_peer.push_back(static_cast<std::uint32_t>(price.peers.size()));
  }

  Scenario& scenario_;
  StarTimes times_;
  std::uint32_t first_link_ = 0;
};

inline CollectiveShape shape_of(CollectiveKind kind, std::uint32_t ranks, std::int64_t elements,
                                std::uint32_t per_node = 1) {
  return {kind, ranks, per_node, equal_bounds(elements, ranks), {}};
}

/// By rank.
inline std::vector<Times> member_times(const Ride& ride, const Timeline& timeline, CollectiveId collective) {
  std::vector<Times> times;
  for (const CollectiveMember& member : ride.program.members(ride.program.collectives()[index_of(collective)]))
    times.push_back(times_of(timeline, member.step));
  return times;
}

}  // namespace tandem::test
