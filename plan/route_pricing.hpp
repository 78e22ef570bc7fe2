#pragma once
// Prices of messages and collectives: a route for each pair of devices that talk. Private to plan/.

#include <map>
#include <tuple>
#include <utility>

#include "plan/prices.hpp"

namespace tandem {

/// Which server, or way to one, of those that so many devices of a kind share, in the order in which the cluster lists them.
std::uint32_t host_root(const Cluster& cluster, DeviceId device, std::int64_t sharers);

/// Fills in the routes, links and resources of `prices`, which must outlive it; each once, as they are asked for.
class RoutePricing {
 public:
  RoutePricing(const Program& program, const Cluster& cluster, NetworkMode mode, Prices& prices)
      : program_(program), cluster_(cluster), mode_(mode), prices_(prices) {}

  void add_channel(const Channel& channel);
  void add_collective(const CollectiveSpec& spec);
  /// Throws InputError where it is not known how the device reaches its host.
  void add_copy(const CopySpec& spec);
  /// The shared cores of a host.
  std::uint32_t cores_of(DeviceId device);
  /// Those of the server that the device hangs on, all of which compute one step together.
  std::uint32_t host_of(DeviceId device);

 private:
  std::uint32_t route(WorkerId from, WorkerId to);
  RoutePrice price_of(DeviceId from, DeviceId to);
  Picoseconds wake_of(DeviceId device) const;
  RoutePrice within(DeviceId device);
  RoutePrice to_host(DeviceId device, StepKind kind);
  std::uint32_t link(NetworkLinkId id);
  void add_peers(const CollectiveSpec& spec, std::uint32_t rank, std::vector<std::uint32_t>& known_by,
                 CollectivePrice& price);
  Picoseconds closed_form(const CollectiveSpec& spec, const CollectivePrice& price) const;

  const Program& program_;
  const Cluster& cluster_;
  NetworkMode mode_;
  Prices& prices_;
  std::map<std::pair<DeviceId, DeviceId>, std::uint32_t> routes_;
  std::map<NetworkLinkId, std::uint32_t> links_;
  std::map<std::tuple<std::uint32_t, std::uint32_t, StepKind>, std::uint32_t> host_links_;  ///< by profile and root
  std::map<std::pair<DeviceId, StepKind>, std::uint32_t> host_routes_;
  std::map<DeviceId, std::uint32_t> cores_;
  std::map<std::pair<std::uint32_t, std::uint32_t>, std::uint32_t> servers_;  ///< by profile and root
};

}  // namespace tandem
