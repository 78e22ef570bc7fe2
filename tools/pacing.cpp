#include "tools/pacing.hpp"

namespace tandem {

Prices scaled_prices(Prices prices, double scale) {
  const auto scaled = [scale](Picoseconds time) {
    return time.count == 0 ? time : to_picoseconds(to_seconds(time) * scale);
  };
  for (WorkPrice& work : prices.works) work.time = scaled(work.time);
  for (ChannelPrice& channel : prices.channels) channel.transfer = scaled(channel.transfer);
  for (RoutePrice& route : prices.routes) {
    route.latency = scaled(route.latency);
    route.busy_latency = scaled(route.busy_latency);
    route.bytes_per_second /= scale;
  }
  for (double& rate : prices.link_bytes_per_second) rate /= scale;
  for (CollectivePrice& collective : prices.collectives)
    if (collective.closed_form) collective.closed_form = scaled(*collective.closed_form);
  return prices;
}

Pacing pacing_of(const Prices& prices) {
  Pacing pacing;
  for (const WorkPrice& work : prices.works) pacing.work.push_back(work.time);
  for (const ChannelPrice& channel : prices.channels)
    pacing.channel.push_back(prices.routes[channel.route].latency + channel.transfer);
  return pacing;
}

}  // namespace tandem
