#include "tools/pacing.hpp"

#include <algorithm>

namespace tandem {

Prices scaled_prices(Prices prices, double scale) {
  const auto scaled = [scale](Picoseconds time) {
    return time.count == 0 ? time : to_picoseconds(to_seconds(time) * scale);
  };
  for (WorkPrice& work : prices.works) work.time = scaled(work.time);
  for (ChannelPrice& channel : prices.channels) channel.transfer = scaled(channel.transfer);
  for (CopyPrice& copy : prices.copies) copy.transfer = scaled(copy.transfer);
  for (RoutePrice& route : prices.routes) {
    route.latency = scaled(route.latency);
    route.bytes_per_second /= scale;
  }
  for (double& rate : prices.link_bytes_per_second) rate /= scale;
  for (CollectivePrice& collective : prices.collectives)
    if (collective.closed_form) collective.closed_form = scaled(*collective.closed_form);
  return prices;
}

namespace {

/// All rounds alone, every message over the slowest of the group's routes.
Picoseconds collective_time(const CollectiveSpec& spec, const CollectivePrice& price, const Prices& prices) {
  if (price.peers.empty()) return {};
  MessageCost slowest{Seconds{0}, BytesPerSecond{prices.routes[price.peers.front().route].bytes_per_second}};
  for (const PeerRoute& peer : price.peers) {
    const RoutePrice& route = prices.routes[peer.route];
    slowest.latency = std::max(slowest.latency, to_seconds(route.latency));
    slowest.bandwidth = std::min(slowest.bandwidth, BytesPerSecond{route.bytes_per_second});
  }
  return to_picoseconds(uncontended_time(*spec.algorithm, spec.shape, slowest, slowest));
}

}  // namespace

Pacing pacing_of(const Program& program, const Prices& prices) {
  Pacing pacing;
  for (const WorkPrice& work : prices.works) pacing.work.push_back(work.time);
  for (const ChannelPrice& channel : prices.channels)
    pacing.channel.push_back(prices.routes[channel.route].latency + channel.transfer);
  for (const CopyPrice& copy : prices.copies) pacing.copy.push_back(prices.routes[copy.route].latency + copy.transfer);
  for (std::size_t i = 0; i < prices.collectives.size(); ++i)
    pacing.collective.push_back(collective_time(program.collective_specs()[i], prices.collectives[i], prices));
  return pacing;
}

}  // namespace tandem
