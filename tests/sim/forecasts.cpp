// What is foreseen of a collective, and what happens when something comes in its way. A link moves a byte a picosecond.

#include "sim/forecasts.hpp"
#include "sim/simulate.hpp"
#include "tests/catch.hpp"
#include "tests/sim/star.hpp"

using namespace tandem;
using namespace tandem::test;

namespace {

/// One ring over three ranks; rounds of 7 + 100.
struct Ring {
  Ring() : star(scenario, 3, {7, 1e12}) {
    collective = star.collective(shape_of(CollectiveKind::all_reduce, 3, 75), "ring");
  }
  Scenario scenario;
  Star star;
  CollectiveId collective;
};

/// Enters the members of a ride's only collective by hand.
struct Entrance {
  explicit Entrance(Ride of)
      : ride(std::move(of)), hardware(ride.program, ride.prices, queue),
        forecasts(ride.program, ride.prices, hardware, Foresight::collectives) {}
  StepId member(std::uint32_t rank) const { return ride.program.members(ride.program.collectives()[0])[rank].step; }
  Forecasts::Entry enter(std::uint32_t rank, std::int64_t now) { return forecasts.enter(member(rank), now); }
  std::vector<std::int64_t> ends() {
    const std::span<const std::int64_t> ends = forecasts.ends_of(member(0));
    return {ends.begin(), ends.end()};
  }
  Ride ride;
  EventQueue queue;
  SharedHardware hardware;
  Forecasts forecasts;
};

Forecasts::Entry first_entry(CollectiveKind kind, std::int64_t elements, std::int64_t latency) {
  Scenario scenario;
  Star star(scenario, 3, {latency, 1e12});
  star.collective(shape_of(kind, 3, elements), kind == CollectiveKind::broadcast ? "tree" : "ring");
  return Entrance(scenario.finish()).enter(0, 0);
}

}  // namespace

TEST_CASE("when the last member has come, all ends are foreseen") {
  Ring ring;
  Entrance entrance(ring.scenario.finish());

  CHECK(entrance.enter(0, 0) == Forecasts::Entry::foreseen);
  CHECK(entrance.enter(1, 0) == Forecasts::Entry::foreseen);
  CHECK(entrance.enter(2, 50) == Forecasts::Entry::complete);

  // 0 to 1 ends at 107, the other two of round 0 at 157; each later round begins 107 after the one before.
  CHECK(entrance.ends() == std::vector<std::int64_t>{478, 478, 478});
  CHECK(entrance.forecasts.end(entrance.member(1), 478) == 0);  // its exchange with 0 began at once
  CHECK(entrance.forecasts.end(entrance.member(2), 478) == 50);
}

TEST_CASE("what is resumed is in the rounds that its members have come to, exchanges under way with their beginning") {
  Ring ring;
  Entrance entrance(ring.scenario.finish());
  for (const std::uint32_t rank : {0u, 1u}) entrance.enter(rank, 0);
  entrance.enter(2, 50);
  Forecasts::State state;

  entrance.forecasts.resume(entrance.member(0), 110, state);

  // At 110 round 0 is over between 0 and 1 alone: each has one exchange open, which began at 50.
  REQUIRE(state.places.size() == 3);
  for (const auto& [member, round, open, began] : state.places) {
    const bool last = member == entrance.member(2);
    CHECK(round == 0);
    CHECK(open == (last ? 2 : 1));
    CHECK(began == (last ? 50 : 0));
  }
  REQUIRE(state.under_way.size() == 2);
  for (const Forecasts::Exchange& exchange : state.under_way) {
    CHECK(exchange.begin == 50);
    CHECK(exchange.end == 157);
  }
  CHECK(entrance.forecasts.end(entrance.member(0), 478) == Forecasts::kNotNow);
}

TEST_CASE("links are held from when their member comes until it ends") {
  Ring ring;
  Entrance entrance(ring.scenario.finish());
  const std::vector<std::uint32_t> out_of_0{0}, into_2{5};  // into 2 only 1 sends
  entrance.enter(0, 0);

  CHECK(entrance.forecasts.held_for(out_of_0) == entrance.member(0));
  CHECK(entrance.forecasts.held_for(into_2) == kNone<StepId>);

  entrance.enter(1, 0);
  entrance.enter(2, 0);
  entrance.forecasts.end(entrance.member(0), 428);

  CHECK(entrance.forecasts.held_for(out_of_0) == kNone<StepId>);
  CHECK(entrance.forecasts.held_for(into_2) == entrance.member(1));
}

TEST_CASE("collectives of which a member may end before another has come are not foreseen, nor those without latency") {
  CHECK(first_entry(CollectiveKind::all_reduce, 75, 7) == Forecasts::Entry::foreseen);
  CHECK(first_entry(CollectiveKind::broadcast, 75, 7) == Forecasts::Entry::by_rounds);
  CHECK(first_entry(CollectiveKind::all_reduce, 2, 7) == Forecasts::Entry::by_rounds);  // one block is empty
  CHECK(first_entry(CollectiveKind::all_reduce, 75, 0) == Forecasts::Entry::by_rounds);
}

TEST_CASE("collectives with a link that several pairs use are not foreseen") {
  Ring ring;
  for (std::uint32_t& link : ring.scenario.prices().route_links) link = 0;
  for (RoutePrice& route : ring.scenario.prices().routes) route.link_count = 1;

  CHECK(Entrance(ring.scenario.finish()).enter(0, 0) == Forecasts::Entry::by_rounds);
}

TEST_CASE("a message that comes upon a foreseen ring shares its links from then on") {
  Ring ring;
  const MessageId message = ring.star.message(0, 1);  // 64 bytes
  ring.scenario.send_after(message, ring.scenario.compute(ring.star.workers[0], 200));
  const Ride ride = ring.scenario.finish();

  const Timeline timeline = simulate(ride.program, ride.prices);

  // It joins at 207, when 7 bytes of round 1 from 0 to 1 are left: both at a half, until 221. Round 2 from 0 to 1 moves
  // from 228, when 50 bytes of the message are left: a half each until 328, then the other 50 alone until 378. The last
  // round begins when 0 and 1 enter it.
  CHECK(message_times(ride, timeline, message) == Times{200, 328});
  CHECK(member_times(ride, timeline, ring.collective) == std::vector<Times>(3, Times{0, 485}));
}
