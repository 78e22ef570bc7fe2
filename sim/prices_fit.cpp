#include "sim/prices_fit.hpp"

#include "base/error.hpp"

namespace tandem {

void require_prices_fit(const Program& program, const Prices& prices) {
  invariant(prices.works.size() == program.works().size(), "every work of the program has a price");
  invariant(prices.channels.size() == program.channels().size(), "every channel of the program has a price");
  invariant(prices.worker_resource.size() == program.workers().size(), "every worker has a resource, or none");
  invariant(prices.worker_forbids_overlap.size() == program.workers().size(), "every worker may overlap, or may not");
  const auto known = [&prices](std::uint32_t resource) {
    return resource == kExclusive || resource < prices.resources.size();
  };
  for (const WorkPrice& work : prices.works) invariant(work.time.count >= 0, "no work takes negative time");
  for (const ChannelPrice& channel : prices.channels) {
    const bool positive = channel.latency.count >= 0 && channel.busy_latency.count >= 0 && channel.transfer.count >= 0;
    invariant(positive, "no part of a message takes negative time");
    invariant(known(channel.resource), "a message's resource is in the table");
  }
  for (const std::uint32_t resource : prices.worker_resource)
    invariant(known(resource), "a worker's resource is in the table");
}

}  // namespace tandem
