#include "sim/prices_fit.hpp"

#include "base/error.hpp"

namespace tandem {

namespace {

void require_works_fit(const Program& program, const Prices& prices) {
  for (const WorkPrice& work : prices.works) invariant(work.time.count >= 0, "no work takes negative time");
  for (const auto* table : {&prices.worker_resource, &prices.host_resource})
    for (const std::uint32_t resource : *table)
      invariant(resource == kExclusive || resource < prices.resources.size(), "a worker's resource is in the table");
  for (const StepWork& work : program.works())
    invariant(work.stream != StreamKind::host || prices.host_resource.size() == program.workers().size(),
              "who computes on a host has the host's resource");
}

void require_routes_fit(const Prices& prices) {
  for (const RoutePrice& route : prices.routes) {
    invariant(route.latency.count >= 0, "no message has a negative latency");
    invariant(route.bytes_per_second > 0 && route.adding >= 1, "a route moves bytes");
    invariant(route.resource == kExclusive || route.resource < prices.resources.size(), "a route's resource is known");
    invariant(route.resource == kExclusive || route.link_count == 0, "a route leads over links or by cores");
    invariant(std::size_t{route.first_link} + route.link_count <= prices.route_links.size(),
              "a route's links are known");
  }
  for (const std::uint32_t link : prices.route_links)
    invariant(link < prices.link_bytes_per_second.size(), "every link has a bandwidth");
}

void require_collectives_fit(const Program& program, const Prices& prices) {
  invariant(prices.collectives.size() == program.collective_specs().size(), "every collective has a price");
  for (std::size_t i = 0; i < prices.collectives.size(); ++i) {
    const CollectivePrice& price = prices.collectives[i];
    invariant(!price.closed_form || price.closed_form->count >= 0, "no collective takes negative time");
    invariant(price.closed_form || price.first_peer.size() == program.collective_specs()[i].members.size() + 1,
              "every member of a collective has routes");
    for (const PeerRoute& peer : price.peers) invariant(peer.route < prices.routes.size(), "a peer's route is known");
  }
}

}  // namespace

void require_prices_fit(const Program& program, const Prices& prices) {
  invariant(prices.works.size() == program.works().size(), "every work of the program has a price");
  invariant(prices.channels.size() == program.channels().size(), "every channel of the program has a price");
  invariant(prices.worker_resource.size() == program.workers().size(), "every worker has a resource, or none");
  invariant(prices.worker_forbids_overlap.size() == program.workers().size(), "every worker may overlap, or may not");
  require_works_fit(program, prices);
  require_routes_fit(prices);
  require_collectives_fit(program, prices);
  invariant(prices.copies.size() == program.copy_specs().size(), "every copy of the program has a price");
  for (const CopyPrice& copy : prices.copies)
    invariant(copy.transfer.count >= 0 && copy.route < prices.routes.size(), "a copy has a route");
  for (const ChannelPrice& channel : prices.channels) {
    invariant(channel.transfer.count >= 0, "no message takes negative time");
    invariant(channel.route < prices.routes.size(), "a message's route is known");
  }
}

}  // namespace tandem
