#pragma once
// A topology at one size, with the links that its cables are: what joins the devices of a node, or the NICs of nodes.

#include <string>
#include <vector>

#include "hardware_profiles/network.hpp"
#include "hardware_profiles/topology.hpp"

namespace tandem {

struct Fabric {
  const Topology* topology = nullptr;
  Shape shape;
  std::vector<Link> links;  ///< by kind of cable

  /// Two for each cable, the way there and the way back; of a half-duplex cable, and of a bus, only the first is used.
  std::uint64_t link_count() const { return 2 * topology->cable_count(shape); }
  /// Below link_count().
  std::uint32_t link_of(const Hop& hop) const;
  /// Its name says which ends it joins, each called `end` and a number: "ring cable: device 3 to device 4".
  NetworkLink link(std::uint32_t id, const std::string& end) const;
  BytesPerSecond bisection() const { return topology->bisection(shape, links); }
};

}  // namespace tandem
