// The same ring all-reduce in SimGrid and in our flows: n ranks as S4U actors, 2 (n - 1) rounds, one chunk a round to
// the next rank over a link of its own.
//
// Each round takes latency + chunk / bandwidth in both, so both give 2 (n - 1) times that; the program checks that they
// do to a millionth, and prints the seconds of each simulation and their ratio. Ours is the flows alone: what sharing
// costs, without the engine's steps around it.

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <string>
#include <vector>

#include <simgrid/s4u.hpp>

#include "sim/event_queue.hpp"
#include "sim/flow_network.hpp"

namespace {

namespace sg = simgrid::s4u;

constexpr double kBytesPerSecond = 25e9;
constexpr std::int64_t kLatency = 5'000'000;  // ps
constexpr std::uint64_t kChunkBytes = 1'000'000;

std::string mailbox_of(std::uint32_t rank) { return fmt::format("rank{}", rank); }

/// Sends its chunk and waits for its neighbour's, round by round.
void run_rank(std::uint32_t rank, std::uint32_t ranks) {
  static int payload = 0;
  auto* own = sg::Mailbox::by_name(mailbox_of(rank));
  auto* next = sg::Mailbox::by_name(mailbox_of((rank + 1) % ranks));
  for (std::uint32_t round = 0; round < 2 * (ranks - 1); ++round) {
    int* received = nullptr;
    const sg::CommPtr receive = own->get_async<int>(&received);
    const sg::CommPtr send = next->put_async(&payload, kChunkBytes);
    receive->wait();
    send->wait();
  }
}

void build_platform(std::uint32_t ranks) {
  auto* zone = sg::create_full_zone("ring");
  std::vector<sg::Host*> hosts;
  for (std::uint32_t i = 0; i < ranks; ++i) hosts.push_back(zone->create_host(fmt::format("host{}", i), 1e9));
  for (std::uint32_t i = 0; i < ranks; ++i) {
    auto* link = zone->create_link(fmt::format("link{}", i), kBytesPerSecond)->set_latency(kLatency * 1e-12)->seal();
    zone->add_route(hosts[i]->get_netpoint(), hosts[(i + 1) % ranks]->get_netpoint(), nullptr, nullptr,
                    {sg::LinkInRoute(link)}, false);
  }
  zone->seal();
  for (std::uint32_t i = 0; i < ranks; ++i)
    sg::Actor::create(mailbox_of(i), hosts[i], [i, ranks] { run_rank(i, ranks); });
}

/// A rank sends its next chunk once its own has gone and its neighbour's has come; a flow starts after the latency.
std::int64_t run_flows(std::uint32_t ranks) {
  const std::vector<double> capacities(ranks, kBytesPerSecond);
  std::vector<std::uint32_t> links(ranks), rounds(ranks, 0), waits(ranks, 0), finished;
  for (std::uint32_t i = 0; i < ranks; ++i) links[i] = i;
  tandem::FlowNetwork network(capacities);
  tandem::EventQueue starts;
  std::vector<tandem::Event> batch;
  for (std::uint32_t i = 0; i < ranks; ++i) starts.push({kLatency, i, 0});
  std::int64_t now = 0;
  while (starts.pop_batch(batch)) {  // all ranks are in step: a round starts at one instant and ends at one
    for (const tandem::Event& start : batch)
      network.add(start.time, start.id, {&links[start.id], 1}, static_cast<double>(kChunkBytes));
    now = network.next_end();
    finished.clear();
    network.finish_due(now, finished);
    for (const std::uint32_t flow : finished) {
      for (const std::uint32_t rank : {flow, (flow + 1) % ranks})
        if (++waits[rank] % 2 == 0 && ++rounds[rank] < 2 * (ranks - 1)) starts.push({now + kLatency, rank, 0});
    }
  }
  return now;
}

template <class Work>
double seconds_of(Work work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

}  // namespace

int main(int argc, char** argv) {
  sg::Engine engine(&argc, argv);
  for (const char* setting : {"network/model:CM02", "network/crosstraffic:0", "network/TCP-gamma:0"})
    sg::Engine::set_config(setting);
  const std::uint32_t ranks = argc > 1 ? static_cast<std::uint32_t>(std::atoi(argv[1])) : 1024;
  build_platform(ranks);
  const double peer = seconds_of([&engine] { engine.run(); });

  std::int64_t end = 0;
  std::vector<double> runs(9);
  for (double& seconds : runs) seconds = seconds_of([&] { end = run_flows(ranks); });
  std::nth_element(runs.begin(), runs.begin() + 4, runs.end());
  const double ours = runs[4], makespan = static_cast<double>(end) * 1e-12;
  fmt::print("n = {}: SimGrid {:.3f} s, flows {:.4f} s (median of 9), ratio {:.1f}\n", ranks, peer, ours, peer / ours);
  fmt::print("makespans {:.9f} s and {:.9f} s\n", sg::Engine::get_clock(), makespan);
  return std::abs(makespan / sg::Engine::get_clock() - 1) < 1e-6 ? 0 : 1;
}
