#pragma once
// Prices: how long each work and each message of a Program takes when it has its resource to itself, and who shares
// what.

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "hardware_profiles/cost.hpp"
#include "models/model.hpp"
#include "plan/plan.hpp"
#include "plan/program.hpp"

namespace tandem {

/// Cores of a host, which threads take in turns (sim/run_queue.hpp). With `n` threads that have work each that has a
/// core progresses at rate 1 / slowdown(n).
struct SharedResource {
  std::string name;
  std::int64_t cores = 1;
  std::vector<double> slowdown{};       ///< at index n: with n threads; beyond the end the last; empty: none
  Picoseconds wake{0};                  ///< a thread that is woken while a core is idle begins so much later
  Picoseconds tick{4'000'000'000};      ///< multiples of it are the times at which a thread may have to leave its core
  Picoseconds slice{1'500'000'000};     ///< so long a thread has its core at least, if it does not leave by itself
};
inline constexpr std::uint32_t kExclusive = 0xffffffff;

struct WorkPrice {
  Picoseconds time;
  CostSource source;
};

/// The way from one worker to another. A message takes `latency`, then its bytes move: over its links, which it shares
/// with all that meet it there, or, with none, as if it were alone. Or a thread of the resource does, and
/// takes both times.
struct RoutePrice {
  Picoseconds latency;
  double bytes_per_second;           ///< when alone
  std::uint32_t resource = kExclusive;            ///< index into Prices::resources, where cores move the bytes
  std::uint32_t first_link = 0, link_count = 0;   ///< in Prices::route_links
  /// A message that is added to what is there moves as if it had this many times its bytes. 1 between devices. Within
  /// one the bytes cross its memory, and each value is read twice and written once instead of read and written: 3/2.
  double adding = 1;
};

/// Every message of a channel has the same size.
struct ChannelPrice {
  std::uint32_t route;   ///< index into Prices::routes
  Picoseconds transfer;  ///< of its bytes, alone
};

/// All copies of one spec move as many bytes.
struct CopyPrice {
  std::uint32_t route;   ///< index into Prices::routes
  Picoseconds transfer;  ///< of its bytes, alone
};

struct PeerRoute {
  std::uint32_t peer;   ///< rank in the group
  std::uint32_t route;  ///< index into Prices::routes
};

/// Whom each rank sends to, each peer once, in the order of the first message to it.
struct CollectivePrice {
  std::vector<std::uint32_t> first_peer;  ///< ranks + 1: rank r's peers are peers[first_peer[r]], ...
  std::vector<PeerRoute> peers;
  std::optional<Picoseconds> closed_form;  ///< analytic: all of it, from when the last member has come

  std::span<const PeerRoute> peers_of(std::uint32_t rank) const {
    return {peers.data() + first_peer[rank], peers.data() + first_peer[rank + 1]};
  }
};

struct DevicePower {
  Watts idle, peak;
};

struct Prices {
  std::vector<WorkPrice> works;                 ///< by WorkId
  std::vector<ChannelPrice> channels;           ///< by ChannelId
  std::vector<CollectivePrice> collectives;     ///< by CollectiveSpecId
  std::vector<CopyPrice> copies;                ///< by CopySpecId
  std::vector<RoutePrice> routes;
  std::vector<std::uint32_t> route_links;       ///< indices into link_bytes_per_second
  std::vector<double> link_bytes_per_second;    ///< of the network's links that some route takes
  std::vector<SharedResource> resources;
  std::vector<std::uint32_t> worker_resource;   ///< by WorkerId: the cores its compute steps share, or kExclusive
  std::vector<std::uint32_t> host_resource;     ///< by WorkerId: what its steps of the stream `host` share; empty: it has none
  std::vector<bool> worker_forbids_overlap;     ///< by WorkerId: computes or exchanges, never both
  std::vector<std::optional<DevicePower>> power;  ///< by DeviceId of the cluster

  std::span<const std::uint32_t> links_of(const RoutePrice& route) const {
    return {route_links.data() + route.first_link, route.link_count};
  }
};

enum class NetworkMode : std::uint8_t {
  shared,    ///< messages that meet on a link share it at max-min fair rates; collectives go round by round
  analytic,  ///< no link is shared; a collective takes its closed form
};

/// "stage 0 F": the key of recorded times. Of a segment in several parts "stage 0 F 1" is the second of them.
std::string step_key(const Program& program, WorkId work);

/// Prices every distinct work, channel and collective of the Program on the cluster. A step costs the sum of its
/// kernels; one that computes some rows of a layer's output takes their share of the whole kernel.
Prices price(const Program& program, const Model& model, const Cluster& cluster, const CostModel& costs,
             const Optimizer& optimizer, NetworkMode network = NetworkMode::shared);

/// What stands in tables of measured times for the work of a step beside the layers' kernels, over `elements` values.
enum class PlainWork : std::uint8_t { zero, add, update };
/// `weights` and `gradients` are as they are stored.
std::string plain_signature(PlainWork kind, std::int64_t elements, const Optimizer& optimizer, ElementType weights,
                            ElementType gradients);

}  // namespace tandem
