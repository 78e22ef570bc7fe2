#include "sim/flow_network.hpp"

#include "base/error.hpp"
#include "tests/catch.hpp"
#include "tests/sim/flow_traffic.hpp"

using namespace tandem;
using namespace tandem::test;

namespace {

constexpr double kGigabyte = 1e9;  // 1 GB/s moves a byte in 1,000 ps
constexpr std::int64_t kBytePicoseconds = 1000;

std::vector<std::int64_t> times_by_flow(const Traffic& traffic) {
  std::vector<std::int64_t> times(traffic.flows.size());
  for (const FlowEnd& end : ends_of(traffic)) times[end.flow] = end.time;
  return times;
}

/// The rates of flows that all join at 0.
std::vector<double> rates_of(const std::vector<double>& capacities,
                             const std::vector<std::vector<std::uint32_t>>& routes) {
  FlowNetwork network(capacities);
  for (std::uint32_t flow = 0; flow < routes.size(); ++flow) network.add(0, flow, routes[flow], 1e6);
  network.next_end();
  std::vector<double> rates;
  for (std::uint32_t flow = 0; flow < routes.size(); ++flow) rates.push_back(network.bytes_per_second(flow));
  return rates;
}

}  // namespace

TEST_CASE("a network without flows never ends one") {
  FlowNetwork network(std::vector<double>{kGigabyte});
  std::vector<std::uint32_t> finished;

  network.finish_due(1'000'000, finished);

  CHECK(finished.empty());
  CHECK(network.next_end() == FlowNetwork::kNever);
}

TEST_CASE("a flow alone takes its bytes over its narrowest link, rounded to a picosecond") {
  const auto [bytes, capacity, time] = GENERATE(table<double, double, std::int64_t>({
      {1000, 1e9, 1'000'000},        // 1000 B / 1 GB/s = 1 us
      {1, 3e11, 3},                  // 3.33 ps
      {2, 3e11, 7},                  // 6.67 ps
      {1, 1e14, 1},                  // 0.01 ps, and never nothing
      {1e15, 1e9, 1'000'000'000'000'000'000},  // 10^6 s
  }));

  const Traffic traffic{{4 * capacity, capacity, 2 * capacity}, {{7, bytes, {0, 1, 2}}}};

  CHECK(times_by_flow(traffic).front() == 7 + time);
}

TEST_CASE("k equal flows that join one link together end together at k times the time of one") {
  const std::uint32_t k = GENERATE(2u, 3u, 7u, 49u, 1000u);
  Traffic traffic{{kGigabyte}, {}};
  for (std::uint32_t flow = 0; flow < k; ++flow) traffic.flows.push_back({5, 1'000'000, {0}});

  for (const std::int64_t time : times_by_flow(traffic)) CHECK(time == 5 + k * 1'000'000 * kBytePicoseconds);
}

TEST_CASE("two flows over a link of B where one is held to B/4 elsewhere get B/4 and 3B/4") {
  const auto rates = rates_of({8e9, 2e9}, {{0, 1}, {0}});

  CHECK(rates == std::vector<double>{2e9, 6e9});
}

TEST_CASE("k flows over one link get B/k each") {
  const std::uint32_t k = GENERATE(1u, 2u, 3u, 10u);

  for (const double rate : rates_of({6e9}, std::vector<std::vector<std::uint32_t>>(k, {0})))
    CHECK(rate == 6e9 / k);
}

TEST_CASE("a long route gets the least share, and the short ones get what it leaves") {
  // Bertsekas and Gallager, figure 6.13: a flow over all links, and others over one each.
  const auto rates = rates_of({1e9, 1e9, 1e9}, {{0, 1, 2}, {0}, {1}, {1}});

  CHECK(rates[0] == Approx(1e9 / 3));  // three on link 1
  CHECK(rates[1] == Approx(2e9 / 3));  // the rest of link 0
  CHECK(rates[2] == rates[0]);
  CHECK(rates[3] == rates[0]);
}

TEST_CASE("a flow that joins halfway halves the rate from there on") {
  // The first has 500 of 1000 B left at 500 ns, and shares until it ends at 500 + 2 x 500 = 1500 ns; the second has
  // then moved 500 B and has 500 left at full rate.
  const auto times = times_by_flow({{kGigabyte}, {{0, 1000, {0}}, {500'000, 1000, {0}}}});

  CHECK(times == std::vector<std::int64_t>{1'500'000, 2'000'000});
}

TEST_CASE("a flow that joins far away changes nothing, one that frees a link down the route does") {
  // Flow 0 shares link 0 with flow 1, which shares link 1 with flows 2 and 3: rates 2/3, 1/3, 1/3, 1/3. Flows 2 and 3
  // end at 300 / (1/3) = 900 ns, when flow 0 has moved 600 B and flow 1 300: from there they share by halves, 400 B of
  // flow 0 take 800 ns, until 1700, and flow 1 has 1000 - 300 - 400 = 300 left at full rate, until 2000.
  const Traffic traffic{
      {kGigabyte, kGigabyte, kGigabyte},
      {{0, 1000, {0}}, {0, 1000, {0, 1}}, {0, 300, {1}}, {0, 300, {1}}, {100'000, 50, {2}}, {150'000, 25, {2}}}};

  CHECK(times_by_flow(traffic) ==
        std::vector<std::int64_t>{1'700'000, 2'000'000, 900'000, 900'000, 150'000, 175'000});
}

TEST_CASE("a link that held nobody back begins to when its flows are freed elsewhere") {
  // Flows 0 and 1 are held to 1/2 by flows 2 and 3 of their own links; link 2 of 1.2 GB/s has room for both. When flows
  // 2 and 3 end at 200 B / (1/2) = 400 ns, flows 0 and 1 would go at 1 each, and link 2 holds them to 0.6.
  const Traffic traffic{{kGigabyte, kGigabyte, 1.2e9},
                        {{0, 800, {0, 2}}, {0, 800, {1, 2}}, {0, 200, {0}}, {0, 200, {1}}}};

  CHECK(times_by_flow(traffic) == std::vector<std::int64_t>{1'400'000, 1'400'000, 400'000, 400'000});
}

TEST_CASE("flows that end at one instant come by id, and their ids are free again") {
  FlowNetwork network(std::vector<double>{kGigabyte, kGigabyte});
  const std::vector<std::uint32_t> first{0}, second{1};
  network.add(0, 4, first, 1000);
  network.add(0, 1, second, 1000);
  std::vector<std::uint32_t> finished{99};

  network.finish_due(1'000'000, finished);
  network.add(1'000'000, 4, second, 500);

  CHECK(finished == std::vector<std::uint32_t>{99, 1, 4});
  CHECK(network.next_end() == 1'500'000);
}

TEST_CASE("a late look finds every end in its order, each with the rates of its own time") {
  // 100 and 300 B together: the first ends at 200 ns, the second at 200 + 200 ns.
  FlowNetwork network(std::vector<double>{kGigabyte});
  const std::vector<std::uint32_t> link{0};
  network.add(0, 0, link, 300);
  network.add(0, 1, link, 100);
  std::vector<std::uint32_t> finished;

  network.finish_due(399'999, finished);
  const std::int64_t end = network.next_end();

  CHECK(finished == std::vector<std::uint32_t>{1});
  CHECK(end == 400'000);
}

TEST_CASE("a flow whose end lies beyond the clock is refused") {
  FlowNetwork network(std::vector<double>{1.0, kGigabyte});
  const std::vector<std::uint32_t> slow{0};

  CHECK_THROWS_AS(network.add(0, 0, slow, 1e7), InputError);  // 10^7 s, and the clock holds 9.2 x 10^6
}

TEST_CASE("a flow that sharing pushes beyond the clock is refused at the next look") {
  FlowNetwork network(std::vector<double>{1.0});
  const std::vector<std::uint32_t> link{0};
  network.add(0, 0, link, 5e6);
  network.add(0, 1, link, 5e6);

  CHECK_THROWS_AS(network.next_end(), InputError);
}

TEST_CASE("misuse of a network is an invariant's matter") {
  FlowNetwork network(std::vector<double>{kGigabyte});
  const std::vector<std::uint32_t> link{0}, elsewhere{1}, nowhere;
  network.add(1000, 0, link, 1000);

  CHECK_THROWS_AS(network.add(1000, 0, link, 1), InvariantError);
  CHECK_THROWS_AS(network.add(1000, 1, elsewhere, 1), InvariantError);
  CHECK_THROWS_AS(network.add(1000, 2, nowhere, 1), InvariantError);
  CHECK_THROWS_AS(network.add(1000, 3, link, 0), InvariantError);
  CHECK_THROWS_AS(network.add(999, 4, link, 1), InvariantError);
  CHECK_THROWS_AS(network.add(2'000'000, 5, link, 1), InvariantError);  // flow 0 is due at 1,001,000
  CHECK_THROWS_AS(FlowNetwork(std::vector<double>{1e9, 0}), InvariantError);
  CHECK_THROWS_AS(FlowNetwork(std::vector<double>{1e30, 1}), InvariantError);
}
