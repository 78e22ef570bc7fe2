#pragma once
// A network: directed links between devices, switches and nodes, and the route that a message takes over them.

#include <cstdint>
#include <string>
#include <vector>

#include "base/id.hpp"
#include "base/units.hpp"

namespace tandem {

enum class DeviceId : std::uint32_t {};
enum class NetworkLinkId : std::uint32_t {};

/// One direction of a link, or both of a half-duplex one. Messages on it share its bandwidth at max-min fair rates.
struct NetworkLink {
  std::string name;
  BytesPerSecond bandwidth;
  Seconds latency;
};

/// A message takes the sum of the latencies, then its bytes move over all links at once, no faster than the narrowest.
struct Route {
  std::vector<NetworkLinkId> links;  ///< in the order in which the message meets them; each once
  Seconds latency;
  BytesPerSecond bandwidth;  ///< of the narrowest link
};

}  // namespace tandem
