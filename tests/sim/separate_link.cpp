#include "sim/separate_link.hpp"

#include "tests/catch.hpp"
#include "tests/sim/flow_traffic.hpp"

using namespace tandem;
using namespace tandem::test;

namespace {

/// Random traffic all of which goes over link 0 alone.
Traffic one_link_traffic(std::uint32_t seed) {
  Traffic traffic = random_traffic(seed);
  for (Departure& flow : traffic.flows) flow.links = {0};
  return traffic;
}

std::vector<FlowEnd> ends_on_separate_link(const Traffic& traffic) {
  const FlowNetwork network(traffic.bytes_per_second);
  SeparateLink link(network, 0);
  const std::vector<std::uint32_t> order = by_start(traffic);
  std::vector<FlowEnd> ends;
  std::vector<std::uint32_t> finished;
  for (std::size_t next = 0; next < order.size() || link.next_end() != SeparateLink::kNever;) {
    const std::int64_t start = next < order.size() ? traffic.flows[order[next]].start : SeparateLink::kNever;
    const std::int64_t now = std::min(start, link.next_end());
    finished.clear();
    link.finish_due(now, finished);
    std::ranges::sort(finished);
    for (const std::uint32_t flow : finished) ends.push_back({now, flow});
    for (; next < order.size() && traffic.flows[order[next]].start == now; ++next)
      link.add(now, order[next], traffic.flows[order[next]].bytes);
    link.settle(now);
  }
  return ends;
}

}  // namespace

TEST_CASE("flows on a separate link end when the network says they do") {
  for (std::uint32_t seed = 0; seed < 2000; ++seed) {
    INFO("seed " << seed);
    const Traffic traffic = one_link_traffic(seed);

    REQUIRE(ends_on_separate_link(traffic) == ends_of(traffic));
  }
}

TEST_CASE("two flows on a separate link move at a half each, and the one that is left at the whole rate") {
  const std::vector<double> rates{1e12};  // a byte a picosecond
  const FlowNetwork network(rates);
  SeparateLink link(network, 0);
  std::vector<std::uint32_t> finished;

  link.add(0, 7, 100);
  link.settle(0);
  link.add(40, 8, 20);
  link.settle(40);

  CHECK(link.next_end() == 80);  // 8 has 20 at a half; 7 has 40 left
  link.finish_due(80, finished);
  link.settle(80);
  CHECK(finished == std::vector<std::uint32_t>{8});
  CHECK(link.next_end() == 120);
}
