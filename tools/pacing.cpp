#include "tools/pacing.hpp"

namespace tandem {

Prices scaled_prices(Prices prices, double scale) {
  const auto scaled = [scale](Picoseconds time) {
    return time.count == 0 ? time : to_picoseconds(to_seconds(time) * scale);
  };
  for (WorkPrice& work : prices.works) work.time = scaled(work.time);
  for (ChannelPrice& channel : prices.channels)
    channel = {scaled(channel.latency), scaled(channel.busy_latency), scaled(channel.transfer), channel.resource};
  return prices;
}

Pacing pacing_of(const Prices& prices) {
  Pacing pacing;
  for (const WorkPrice& work : prices.works) pacing.work.push_back(work.time);
  for (const ChannelPrice& channel : prices.channels) pacing.channel.push_back(channel.latency + channel.transfer);
  return pacing;
}

}  // namespace tandem
