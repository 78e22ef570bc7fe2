// Closed forms of collectives, exact in the simulator. Latency 7 ps; a link moves one byte a picosecond, a value four.

#include "sim/simulate.hpp"
#include "tests/catch.hpp"
#include "tests/sim/star.hpp"

using namespace tandem;
using namespace tandem::test;

namespace {

constexpr std::int64_t kLatency = 7;

/// The spans of one collective that all enter at once.
std::vector<Times> alone(const CollectiveShape& shape, std::string_view algorithm, bool shared = true) {
  Scenario scenario;
  Star star(scenario, shape.ranks, {kLatency, 1e12, shared});
  const CollectiveId collective = star.collective(shape, algorithm);
  const Ride ride = scenario.finish();
  return member_times(ride, simulate(ride.program, ride.prices), collective);
}

std::vector<Times> all_at(std::size_t ranks, Times times) { return std::vector<Times>(ranks, times); }

/// Seconds of the closed form of plan/, in picoseconds.
std::int64_t reckoned(const CollectiveShape& shape, std::string_view algorithm) {
  const MessageCost cost{to_seconds(Picoseconds{kLatency}), {1e12}};
  return to_picoseconds(uncontended_time(find_collective_algorithm(algorithm), shape, cost, cost)).count;
}

}  // namespace

TEST_CASE("a ring all-reduce takes 2 (n - 1) times latency and an n-th of the vector") {
  for (const std::uint32_t ranks : {2u, 3u, 5u, 8u, 64u}) {
    const std::int64_t elements = 25 * ranks;  // blocks of 25 values, 100 bytes

    CHECK(alone(shape_of(CollectiveKind::all_reduce, ranks, elements), "ring") ==
          all_at(ranks, {0, 2 * (ranks - 1) * (kLatency + 100)}));
  }
}

TEST_CASE("a ring reduce-scatter and a ring all-gather take n - 1 times latency and an n-th of the vector") {
  for (const CollectiveKind kind : {CollectiveKind::reduce_scatter, CollectiveKind::all_gather})
    for (const std::uint32_t ranks : {2u, 7u})
      CHECK(alone(shape_of(kind, ranks, 25 * ranks), "ring") == all_at(ranks, {0, (ranks - 1) * (kLatency + 100)}));
}

TEST_CASE("recursive halving-doubling takes 2 k latencies, and 2 (n - 1) / n of the vector") {
  // n = 8, k = 3; 200 values are 800 bytes: 2 x 3 x 7 + 2 x 7 x 100
  CHECK(alone(shape_of(CollectiveKind::all_reduce, 8, 200), "halving_doubling") == all_at(8, {0, 42 + 1400}));
}

TEST_CASE("a binomial broadcast reaches the last rank after as many messages as the tree is high") {
  for (const auto& [ranks, height] : {std::pair(2u, 1), std::pair(8u, 3), std::pair(11u, 4)}) {
    const std::vector<Times> times = alone(shape_of(CollectiveKind::broadcast, ranks, 100), "tree");

    std::int64_t last = 0;
    for (const Times& member : times) last = std::max(last, member.second);
    CHECK(last == height * (kLatency + 400));
    CHECK(times[0].first == 0);  // the root sends at once
  }
}

TEST_CASE("a hierarchical all-reduce reduces in the node, across nodes, and gathers in the node") {
  const CollectiveShape shape = shape_of(CollectiveKind::all_reduce, 8, 800, 4);  // two nodes of four; 3200 bytes

  // In the node 3 messages of 800 bytes; between two nodes, of the own 800 bytes, 2 of 400; in the node 3 of 800.
  CHECK(alone(shape, "hierarchical") == all_at(8, {0, 3 * 807 + 2 * 407 + 3 * 807}));
}

TEST_CASE("every algorithm takes its uncontended time where no two messages meet, shared links or not") {
  for (const CollectiveAlgorithm& algorithm : collective_algorithms())
    for (const CollectiveKind kind : {CollectiveKind::all_reduce, CollectiveKind::reduce_scatter,
                                      CollectiveKind::all_gather, CollectiveKind::broadcast})
      for (const std::uint32_t ranks : {2u, 3u, 4u, 6u, 8u}) {
        const CollectiveShape shape = shape_of(kind, ranks, 1001);  // blocks that differ by one value
        if (!algorithm.suits(shape)) continue;
        INFO(algorithm.name << " " << name_of(kind) << " of " << ranks);
        std::int64_t with = 0, without = 0;

        for (const Times& member : alone(shape, algorithm.name)) with = std::max(with, member.second);
        for (const Times& member : alone(shape, algorithm.name, false)) without = std::max(without, member.second);

        CHECK(without == reckoned(shape, algorithm.name));
        CHECK(with >= without);
        if (algorithm.name == "ring") CHECK(with == without);  // each link carries one message at a time
      }
}

TEST_CASE("a member that comes late holds up the others, whose steps begin with their own first exchange") {
  Scenario scenario;
  Star star(scenario, 3, {kLatency, 1e12});
  const CollectiveId collective = star.collective(shape_of(CollectiveKind::all_reduce, 3, 75), "ring");
  scenario.after(star.step(collective, 2), scenario.compute(star.workers[2], 1'000));
  const Ride ride = scenario.finish();

  const std::vector<Times> times = member_times(ride, simulate(ride.program, ride.prices), collective);

  // 0 sends to 1 at once; 1 to 2 and 2 to 0 only when 2 has come, at 1000; then 4 rounds of 107.
  CHECK(times == std::vector<Times>{{0, 1'428}, {0, 1'428}, {1'000, 1'428}});
}

TEST_CASE("in closed form a collective begins for all when the last member has come") {
  Scenario scenario;
  Star star(scenario, 3, {kLatency, 1e12, false});
  const CollectiveId collective = star.collective(shape_of(CollectiveKind::all_reduce, 3, 75), "ring");
  scenario.prices().collectives[0].closed_form = Picoseconds{428};
  scenario.after(star.step(collective, 1), scenario.compute(star.workers[1], 50));
  const Ride ride = scenario.finish();

  CHECK(member_times(ride, simulate(ride.program, ride.prices), collective) == all_at(3, {50, 478}));
}

TEST_CASE("a group of one is over at once, and what waits for it goes on") {
  Scenario scenario;
  Star star(scenario, 1, {kLatency, 1e12});
  const CollectiveId collective = star.collective(shape_of(CollectiveKind::all_reduce, 1, 75), "ring");
  scenario.after(star.step(collective, 0), scenario.compute(star.workers[0], 10));
  scenario.after(scenario.compute(star.workers[0], 5), star.step(collective, 0));
  const Ride ride = scenario.finish();

  const Timeline timeline = simulate(ride.program, ride.prices);

  CHECK(member_times(ride, timeline, collective) == all_at(1, {10, 10}));
  CHECK(timeline.makespan().count == 15);
}

TEST_CASE("collectives of one stream follow each other, member by member") {
  Scenario scenario;
  Star star(scenario, 4, {kLatency, 1e12});
  const CollectiveSpecId spec = star.spec(shape_of(CollectiveKind::all_reduce, 4, 100), "ring");
  const CollectiveId first = star.collective(spec), second = star.collective(spec);
  const Ride ride = scenario.finish();

  const Timeline timeline = simulate(ride.program, ride.prices);

  CHECK(member_times(ride, timeline, first) == all_at(4, {0, 642}));  // 6 x 107
  CHECK(member_times(ride, timeline, second) == all_at(4, {642, 1'284}));
}

TEST_CASE("a collective that some member never reaches is named, with who has not come") {
  Scenario scenario;
  Star star(scenario, 2, {kLatency, 1e12});
  const CollectiveSpecId one = star.spec(shape_of(CollectiveKind::all_reduce, 2, 50), "ring", StreamKind::tensor);
  const CollectiveSpecId other = star.spec(shape_of(CollectiveKind::all_reduce, 2, 50), "ring", StreamKind::data);
  const CollectiveId tensor = star.collective(one), data = star.collective(other);
  scenario.after(star.step(tensor, 0), star.step(data, 0));  // 0 goes through data first, 1 through tensor
  scenario.after(star.step(data, 1), star.step(tensor, 1));
  const Ride ride = scenario.finish();

  CHECK_THROWS_WITH(simulate(ride.program, ride.prices),
                    Catch::Contains(R"(blocked: worker "worker 0", collective group of micro-batch 0; )"
                                    R"("worker 1" has not come)"));
}

TEST_CASE("a worker that forbids overlap exchanges with its group once all have come, and computes afterwards") {
  Scenario scenario;
  Star star(scenario, 2, {kLatency, 1e12});
  scenario.prices().worker_forbids_overlap = {true, false};
  const CollectiveId collective = star.collective(shape_of(CollectiveKind::all_reduce, 2, 50), "ring");
  scenario.compute(star.workers[0], 100);
  scenario.compute(star.workers[0], 10);
  scenario.after(star.step(collective, 1), scenario.compute(star.workers[1], 30));
  const Ride ride = scenario.finish();

  const Timeline timeline = simulate(ride.program, ride.prices);

  CHECK(member_times(ride, timeline, collective) == all_at(2, {100, 314}));  // ready at 30; 2 x 107
  CHECK(compute_times(ride, timeline, star.workers[0]) == std::vector<Times>{{0, 100}, {314, 324}});
}

TEST_CASE("threads take turns on the cores that copy, and a sum crosses memory half as often again") {
  Scenario scenario;
  const std::uint32_t cores = scenario.cores(1);
  Star star(scenario, 2, {kLatency, 1e12, false}, cores);
  const CollectiveId collective = star.collective(shape_of(CollectiveKind::all_reduce, 2, 50), "ring");
  for (RoutePrice& route : scenario.prices().routes) route.resource = cores, route.adding = 1.5;
  const Ride ride = scenario.finish();

  // Each round the two copy 100 bytes one after the other: 2 x (7 + 150) while adding, 2 x (7 + 100) while gathering.
  CHECK(member_times(ride, simulate(ride.program, ride.prices), collective) == all_at(2, {0, 314 + 214}));
}

TEST_CASE("k messages into one worker each get a k-th of its link") {
  for (const std::uint32_t k : {1u, 2u, 4u}) {
    Scenario scenario;
    Star star(scenario, 2 * k + 1, {kLatency, 1e12});
    std::vector<MessageId> messages;
    for (std::uint32_t i = 1; i <= k; ++i) {  // from worker i to worker k + i, over the wire into worker 0
      const ChannelId channel = scenario.channel(star.workers[i], star.workers[k + i], {});
      scenario.prices().channels[index_of(channel)] = {star.route(i, 0), {64}};
      messages.push_back(scenario.message(channel));
    }
    const Ride ride = scenario.finish();

    const Timeline timeline = simulate(ride.program, ride.prices);

    for (const MessageId message : messages)
      CHECK(message_times(ride, timeline, message) == Times{0, kLatency + 64 * k});
  }
}

TEST_CASE("of two messages over one link, where one is held to a quarter of it elsewhere, the other gets the rest") {
  Scenario scenario;
  Star star(scenario, 5, {kLatency, 1e12});
  star.out_of(1) = 0.25e12;
  std::vector<MessageId> messages;
  for (const std::uint32_t from : {1u, 2u}) {
    const ChannelId channel = scenario.channel(star.workers[from], star.workers[from + 2], {});
    scenario.prices().channels[index_of(channel)] = {star.route(from, 0), {64}};
    messages.push_back(scenario.message(channel));
  }
  const Ride ride = scenario.finish();

  const Timeline timeline = simulate(ride.program, ride.prices);

  CHECK(message_times(ride, timeline, messages[0]) == Times{0, kLatency + 256});  // 64 / (1 / 4)
  CHECK(message_times(ride, timeline, messages[1]) == Times{0, kLatency + 85});   // 64 / (3 / 4) = 85.3
}
