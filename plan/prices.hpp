#pragma once
// Prices: how long each work and each message of a Program takes when it has its resource to itself, and who shares
// what.

#include <optional>
#include <string>
#include <vector>

#include "hardware_profiles/cost.hpp"
#include "models/model.hpp"
#include "plan/plan.hpp"
#include "plan/program.hpp"

namespace tandem {

/// What several jobs can use at once. With `n` jobs on it each progresses at rate
/// min(1, capacity / n) / slowdown(n): max-min fair, as every job asks for at most 1.
struct SharedResource {
  std::string name;
  double capacity = 1;            ///< cores of a host; 1 for a link
  std::vector<double> slowdown;   ///< at index n: with n jobs; beyond the end the last; empty: none
};
inline constexpr std::uint32_t kExclusive = 0xffffffff;

struct WorkPrice {
  Picoseconds time;
  CostSource source;
};

/// A message takes `latency` (or `busy_latency` where all cores of the resource are taken as it starts), then
/// `transfer` at full rate on `resource`.
struct ChannelPrice {
  Picoseconds latency, busy_latency, transfer;
  std::uint32_t resource;      ///< index into Prices::resources
};

struct DevicePower {
  Watts idle, peak;
};

struct Prices {
  std::vector<WorkPrice> works;                 ///< by WorkId
  std::vector<ChannelPrice> channels;           ///< by ChannelId
  std::vector<SharedResource> resources;
  std::vector<std::uint32_t> worker_resource;   ///< by WorkerId: the cores its compute steps share, or kExclusive
  std::vector<bool> worker_forbids_overlap;     ///< by WorkerId: computes or exchanges, never both
  std::vector<std::optional<DevicePower>> power;  ///< by DeviceId of the cluster
};

/// "stage 0 F": the key of recorded times.
std::string step_key(const Program& program, WorkId work);

/// Prices every distinct work and channel of the Program on the cluster. A step costs the sum of its kernels.
Prices price(const Program& program, const Model& model, const Cluster& cluster, const CostModel& costs,
             const Optimizer& optimizer);

/// What stands in tables of measured times for the work of a step beside the layers' kernels, over `elements` values.
enum class PlainWork : std::uint8_t { zero, add, update };
std::string plain_signature(PlainWork kind, std::int64_t elements, const Optimizer& optimizer);

}  // namespace tandem
