#pragma once
// Random traffic over random links, as plain descriptions that a law can change before it is driven.

#include <algorithm>
#include <cstdint>
#include <numeric>
#include <random>
#include <vector>

#include "sim/flow_network.hpp"

namespace tandem::test {

struct Departure {
  std::int64_t start = 0;  ///< picoseconds
  double bytes = 0;
  std::vector<std::uint32_t> links = {};
};

/// Flows are named by their index, links by theirs.
struct Traffic {
  std::vector<double> bytes_per_second = {};
  std::vector<Departure> flows = {};
};

/// Few distinct capacities, sizes and instants, so that ties are common; `seed` replays it.
inline Traffic random_traffic(std::uint32_t seed) {
  std::mt19937 random(seed);
  const auto below = [&random](std::uint32_t limit) { return static_cast<std::uint32_t>(random() % limit); };
  Traffic traffic;
  const std::uint32_t links = 1 + below(12);
  const bool even = below(2) == 0;
  for (std::uint32_t i = 0; i < links; ++i)
    traffic.bytes_per_second.push_back(even ? 1e9 * (1 + below(4)) : 1e9 + below(3'000'000'000));
  const std::uint32_t flows = 1 + below(64), longest = 1 + below(std::min(links, 4u));
  std::vector<std::uint32_t> route(links);
  std::iota(route.begin(), route.end(), 0);
  for (std::uint32_t i = 0; i < flows; ++i) {
    std::shuffle(route.begin(), route.end(), random);
    const auto hops = static_cast<std::ptrdiff_t>(1 + below(longest));
    traffic.flows.push_back({even ? 1'000'000 * below(5) : below(5'000'000),
                             even ? 1e3 * (1 + below(6)) : 1e3 + below(10'000), {route.begin(), route.begin() + hops}});
  }
  return traffic;
}

/// The flows in order of start, then of index.
inline std::vector<std::uint32_t> by_start(const Traffic& traffic) {
  std::vector<std::uint32_t> order(traffic.flows.size());
  std::iota(order.begin(), order.end(), 0);
  std::ranges::stable_sort(order, {}, [&](std::uint32_t flow) { return traffic.flows[flow].start; });
  return order;
}

struct FlowEnd {
  std::int64_t time;
  std::uint32_t flow;
  bool operator==(const FlowEnd&) const = default;
};

/// Drives flows into `network` in the given order of non-decreasing starts; `after_instant(now, active)` sees every
/// instant at which something happened, once it is solved. Returns the ends as they came.
template <class AfterInstant>
std::vector<FlowEnd> drive(FlowNetwork& network, const Traffic& traffic, const std::vector<std::uint32_t>& order,
                           AfterInstant after_instant) {
  std::vector<FlowEnd> ends;
  std::vector<std::uint32_t> active, finished;
  for (std::size_t next = 0; next < order.size() || network.next_end() != FlowNetwork::kNever;) {
    const std::int64_t start = next < order.size() ? traffic.flows[order[next]].start : FlowNetwork::kNever;
    const std::int64_t now = std::min(start, network.next_end());
    finished.clear();
    network.finish_due(now, finished);
    for (const std::uint32_t flow : finished) {
      ends.push_back({now, flow});
      std::erase(active, flow);
    }
    for (; next < order.size() && traffic.flows[order[next]].start == now; ++next) {
      const Departure& flow = traffic.flows[order[next]];
      network.add(now, order[next], flow.links, flow.bytes);
      active.push_back(order[next]);
    }
    network.next_end();
    after_instant(now, active);
  }
  return ends;
}

inline std::vector<FlowEnd> ends_of(const Traffic& traffic) {
  FlowNetwork network(traffic.bytes_per_second);
  return drive(network, traffic, by_start(traffic), [](std::int64_t, const auto&) {});
}

}  // namespace tandem::test
