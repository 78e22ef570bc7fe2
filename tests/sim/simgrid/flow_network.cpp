// Our flows against SimGrid's: the same links, the same messages, the same completion times.
//
// Set in SimGrid, so that it computes the textbook's latency + size / share under max-min fairness:
//   network/model:CM02          the fluid model of one rate per flow (Casanova and Marchal, 2002)
//   network/crosstraffic:0      else a flow's acknowledgements take 5 % of the links of its way back
//   network/TCP-gamma:0         else a flow's rate is bounded by TCP's window over its round trip
//   network/latency-factor:1, network/bandwidth-factor:1, network/weight-S:0
//                               no correction factors of a fitted TCP; what CM02 sets, spelled out
// CM02 weighs a flow by 1 / latency, as TCP's round trips do. Where all routes of a scenario have one latency, links
// carry it; where they differ, the sender waits that long before it sends over links without latency.

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include <simgrid/s4u.hpp>

#include "tests/catch.hpp"
#include "tests/sim/flow_traffic.hpp"

using namespace tandem;
using namespace tandem::test;

namespace {

namespace sg = simgrid::s4u;

constexpr std::uint32_t kScenarios = 200;
constexpr double kPicosecond = 1e-12;

struct Scenario {
  Traffic traffic;
  std::vector<std::int64_t> latency = {};  ///< by flow
  bool one_latency = false;                ///< of all flows, so that links may carry it
  std::vector<double> peer_end = {};       ///< by flow, seconds
};

/// Starts and bytes a million times those of our own laws: seconds, where SimGrid's precision is no matter.
Scenario random_scenario(std::uint32_t seed) {
  std::mt19937 random(seed);
  Scenario scenario{.traffic = random_traffic(seed), .one_latency = seed % 2 == 0};
  const auto some_latency = [&random] { return static_cast<std::int64_t>(random() % 1'000) * 1'000'000'000; };
  const std::int64_t latency = some_latency();
  for (Departure& flow : scenario.traffic.flows) {
    flow.start *= 1'000'000;
    flow.bytes *= 1e6;
    scenario.latency.push_back(scenario.one_latency ? latency : some_latency());
  }
  scenario.peer_end.resize(scenario.traffic.flows.size());
  return scenario;
}

/// Each flow has two hosts of its own, joined by its links and a wide one of its own that has the latency.
void build(Scenario& scenario, std::uint32_t number, sg::NetZone* world) {
  auto* zone = sg::create_full_zone(fmt::format("scenario{}", number))->set_parent(world);
  std::vector<sg::Link*> links;
  for (const double capacity : scenario.traffic.bytes_per_second)
    links.push_back(zone->create_link(fmt::format("link{}-{}", number, links.size()), capacity)->seal());
  std::vector<std::pair<sg::Host*, sg::Host*>> ends;
  for (std::size_t i = 0; i < scenario.traffic.flows.size(); ++i) {
    auto* from = zone->create_host(fmt::format("from{}-{}", number, i), 1e9);
    auto* to = zone->create_host(fmt::format("to{}-{}", number, i), 1e9);
    const double latency = scenario.one_latency ? static_cast<double>(scenario.latency[i]) * kPicosecond : 0;
    auto* cable = zone->create_link(fmt::format("cable{}-{}", number, i), 1e12)->set_latency(latency)->seal();
    std::vector<sg::LinkInRoute> route{sg::LinkInRoute(cable)};
    for (const std::uint32_t link : scenario.traffic.flows[i].links) route.emplace_back(links[link]);
    zone->add_route(from->get_netpoint(), to->get_netpoint(), nullptr, nullptr, route, false);
    ends.emplace_back(from, to);
  }
  zone->seal();
  for (std::size_t i = 0; i < ends.size(); ++i) {
    const auto [from, to] = ends[i];
    sg::Actor::create(fmt::format("flow{}-{}", number, i), from, [&scenario, from, to, i] {
      const std::int64_t waits = scenario.one_latency ? 0 : scenario.latency[i];
      sg::this_actor::sleep_until(static_cast<double>(scenario.traffic.flows[i].start + waits) * kPicosecond);
      sg::Comm::sendto(from, to, static_cast<std::uint64_t>(scenario.traffic.flows[i].bytes));
      scenario.peer_end[i] = sg::Engine::get_clock();
    });
  }
}

/// All scenarios share nothing, so one run of SimGrid, which knows one platform per process, holds them all.
void run_peer(std::vector<Scenario>& scenarios) {
  static int count = 1;
  static char name[] = "flow_network";
  static char* arguments[] = {name, nullptr};
  sg::Engine engine(&count, arguments);
  for (const char* setting : {"network/model:CM02", "network/crosstraffic:0", "network/TCP-gamma:0",
                              "network/latency-factor:1", "network/bandwidth-factor:1", "network/weight-S:0",
                              "contexts/stack-size:256"})
    sg::Engine::set_config(setting);
  auto* world = sg::create_full_zone("world");
  for (std::uint32_t i = 0; i < scenarios.size(); ++i) build(scenarios[i], i, world);
  world->seal();
  engine.run();
}

std::vector<std::int64_t> our_ends(const Scenario& scenario) {
  Traffic after_latency = scenario.traffic;
  for (std::size_t i = 0; i < after_latency.flows.size(); ++i) after_latency.flows[i].start += scenario.latency[i];
  std::vector<std::int64_t> ends(after_latency.flows.size());
  for (const FlowEnd& end : ends_of(after_latency)) ends[end.flow] = end.time;
  return ends;
}

}  // namespace

TEST_CASE("two hundred random networks complete their messages when SimGrid says") {
  std::vector<Scenario> scenarios;
  for (std::uint32_t seed = 0; seed < kScenarios; ++seed) scenarios.push_back(random_scenario(seed));

  run_peer(scenarios);

  double worst = 0;
  std::size_t messages = 0;
  for (const Scenario& scenario : scenarios) {
    const auto ends = our_ends(scenario);
    for (std::size_t i = 0; i < ends.size(); ++i, ++messages) {
      const double start = static_cast<double>(scenario.traffic.flows[i].start) * kPicosecond;
      const double ours = static_cast<double>(ends[i]) * kPicosecond - start, peer = scenario.peer_end[i] - start;
      worst = std::max(worst, std::abs(ours / peer - 1));
    }
  }
  CHECK(messages > 5'000);
  CHECK(worst < 1e-6);  // asked for: 1 %
}
