// Flows over shared links against the analytic answer, a plain heap of ends that knows of no sharing. Closed loops: a
// flow that ends is followed by the next on the same route, one latency later. The rate "items" is flows per second.

#include <benchmark/benchmark.h>

#include <algorithm>
#include <deque>
#include <functional>
#include <queue>

#include "base/random.hpp"
#include "sim/flow_network.hpp"

namespace {

using namespace tandem;

constexpr std::uint32_t kGpus = 1024, kGpusPerNode = 8, kNodes = kGpus / kGpusPerNode;
constexpr double kBytesPerSecond = 25e9;
constexpr std::int64_t kLatency = 2'000'000;  // ps

/// One route per flow in flight, and how often it is travelled.
struct Loop {
  std::vector<double> bytes_per_second;
  std::vector<std::vector<std::uint32_t>> routes;
  std::uint32_t rounds = 1;
  std::vector<double> bytes;  ///< drawn in turn by each flow
  std::uint64_t flows() const { return std::uint64_t{rounds} * routes.size(); }
  double bytes_of(std::uint32_t flow, std::uint32_t round) const { return bytes[(flow + 7 * round) % bytes.size()]; }
};

/// Sizes around 1 MB, all alike or none.
std::vector<double> sizes(bool alike) {
  std::vector<double> bytes(alike ? 1 : 4096, 1e6);
  for (std::size_t i = 0; !alike && i < bytes.size(); ++i)
    bytes[i] = 5e5 + static_cast<double>(below_at(1, 0, i, 1'000'000));
  return bytes;
}

/// A ring all-reduce over 1,024 ranks: 2,046 rounds of 1,024 messages, each on a link of its own.
Loop ring(bool alike) {
  Loop loop{std::vector<double>(kGpus, kBytesPerSecond), {}, 2 * (kGpus - 1), sizes(alike)};
  for (std::uint32_t rank = 0; rank < kGpus; ++rank) loop.routes.push_back({rank});
  return loop;
}

/// Nodes of 8 GPUs behind one NIC, full duplex: each GPU sends to GPUs of `peers` other nodes at once.
Loop shared_nics(std::uint32_t peers, bool alike) {
  Loop loop{std::vector<double>(2 * kNodes, kBytesPerSecond), {}, 100, sizes(alike)};
  for (std::uint32_t gpu = 0; gpu < kGpus; ++gpu) {
    const std::uint32_t node = gpu / kGpusPerNode;
    for (std::uint32_t peer = 0; peer < peers; ++peer) {
      const std::uint32_t other = (node + 1 + gpu % kGpusPerNode + kGpusPerNode * peer) % kNodes;
      loop.routes.push_back({2 * node, 2 * other + 1});
    }
  }
  return loop;
}

/// Starts wait in a queue: one latency for all keeps them in order.
std::int64_t run_shared(const Loop& loop) {
  FlowNetwork network(loop.bytes_per_second);
  std::vector<std::uint32_t> finished, rounds(loop.routes.size(), 0);
  std::deque<std::pair<std::int64_t, std::uint32_t>> starts;
  for (std::uint32_t flow = 0; flow < loop.routes.size(); ++flow) starts.emplace_back(kLatency, flow);
  for (std::int64_t now = 0;;) {
    const std::int64_t end = network.next_end(), start = starts.empty() ? FlowNetwork::kNever : starts.front().first;
    if (std::min(start, end) == FlowNetwork::kNever) return now;
    now = std::min(start, end);
    finished.clear();
    network.finish_due(now, finished);
    for (const std::uint32_t flow : finished)
      if (++rounds[flow] < loop.rounds) starts.emplace_back(now + kLatency, flow);
    for (; !starts.empty() && starts.front().first == now; starts.pop_front()) {
      const std::uint32_t flow = starts.front().second;
      network.add(now, flow, loop.routes[flow], loop.bytes_of(flow, rounds[flow]));
    }
  }
}

std::int64_t run_analytic(const Loop& loop) {
  using End = std::pair<std::int64_t, std::uint32_t>;
  std::priority_queue<End, std::vector<End>, std::greater<>> ends;
  std::vector<std::uint32_t> rounds(loop.routes.size(), 1);
  const auto time_of = [&](std::uint32_t flow, std::uint32_t round) {
    return kLatency + static_cast<std::int64_t>(loop.bytes_of(flow, round) * 1e12 / kBytesPerSecond);
  };
  for (std::uint32_t flow = 0; flow < loop.routes.size(); ++flow) ends.emplace(time_of(flow, 0), flow);
  std::int64_t last = 0;
  while (!ends.empty()) {
    const auto [now, flow] = ends.top();
    last = now;
    ends.pop();
    const std::uint32_t round = rounds[flow]++;
    if (round < loop.rounds) ends.emplace(now + time_of(flow, round), flow);
  }
  return last;
}

template <class Run>
void measure(benchmark::State& state, Run run, const Loop& loop) {
  for (auto iteration : state) benchmark::DoNotOptimize(run(loop));
  state.SetItemsProcessed(static_cast<std::int64_t>(loop.flows()) * state.iterations());
}

BENCHMARK_CAPTURE(measure, ring_analytic, run_analytic, ring(true))->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(measure, ring_shared, run_shared, ring(true))->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(measure, ring_uneven_analytic, run_analytic, ring(false))->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(measure, ring_uneven_shared, run_shared, ring(false))->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(measure, nics_analytic, run_analytic, shared_nics(4, true))->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(measure, nics_shared, run_shared, shared_nics(4, true))->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(measure, nics_one_peer_uneven_shared, run_shared, shared_nics(1, false))
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(measure, nics_uneven_shared, run_shared, shared_nics(4, false))->Unit(benchmark::kMillisecond);

}  // namespace

BENCHMARK_MAIN();
