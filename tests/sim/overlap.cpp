#include "sim/simulate.hpp"
#include "tests/catch.hpp"
#include "tests/sim/scenario.hpp"

using namespace tandem;
using namespace tandem::test;

TEST_CASE("a transfer waits until a worker that forbids overlap has ended its compute step") {
  Scenario scenario;
  const WorkerId from = scenario.worker(), to = scenario.worker(kExclusive, true);
  scenario.compute(to, 100);
  scenario.compute(to, 50);
  const MessageId message = scenario.message(from, to, {2, 8});
  scenario.send_after(message, scenario.compute(from, 30));
  const Ride ride = scenario.finish();

  const Timeline timeline = simulate(ride.program, ride.prices);

  CHECK(message_times(ride, timeline, message) == Times{100, 110});  // ready at 30, goes before the second step
  CHECK(compute_times(ride, timeline, to) == std::vector<Times>{{0, 100}, {110, 160}});
}

TEST_CASE("a worker that allows overlap computes and exchanges at once") {
  Scenario scenario;
  const WorkerId from = scenario.worker(), to = scenario.worker();
  scenario.compute(to, 100);
  const MessageId message = scenario.message(from, to, {2, 8});
  scenario.send_after(message, scenario.compute(from, 30));
  const Ride ride = scenario.finish();

  const Timeline timeline = simulate(ride.program, ride.prices);

  CHECK(message_times(ride, timeline, message) == Times{30, 40});
  CHECK(compute_times(ride, timeline, to) == std::vector<Times>{{0, 100}});
}

TEST_CASE("at one instant exchanges that are ready go before compute steps that are") {
  Scenario scenario;
  const WorkerId from = scenario.worker(kExclusive, true), to = scenario.worker(kExclusive, true);
  const MessageId message = scenario.message(from, to, {0, 20});
  scenario.compute(from, 5);
  scenario.compute(to, 7);
  const Ride ride = scenario.finish();

  const Timeline timeline = simulate(ride.program, ride.prices);

  CHECK(message_times(ride, timeline, message) == Times{0, 20});
  CHECK(compute_times(ride, timeline, from) == std::vector<Times>{{20, 25}});
  CHECK(compute_times(ride, timeline, to) == std::vector<Times>{{20, 27}});
}

TEST_CASE("a ready message waits for one step of each worker, however their steps are staggered") {
  Scenario scenario;
  const WorkerId from = scenario.worker(kExclusive, true), to = scenario.worker(kExclusive, true);
  const WorkerId clock = scenario.worker();
  for (const std::int64_t time : {10, 10, 10}) scenario.compute(from, time);
  for (const std::int64_t time : {5, 10, 10}) scenario.compute(to, time);  // never free together on their own
  const MessageId message = scenario.message(from, to, {0, 1});
  scenario.send_after(message, scenario.compute(clock, 7));
  const Ride ride = scenario.finish();

  const Timeline timeline = simulate(ride.program, ride.prices);

  // ready at 7: `from` is free at 10 and holds its next step, `to` is free at 15
  CHECK(message_times(ride, timeline, message) == Times{15, 16});
  CHECK(compute_times(ride, timeline, from) == std::vector<Times>{{0, 10}, {16, 26}, {26, 36}});
  CHECK(compute_times(ride, timeline, to) == std::vector<Times>{{0, 5}, {5, 15}, {16, 26}});
}

TEST_CASE("several exchanges of a worker move together, and compute waits for the last") {
  Scenario scenario;
  const WorkerId middle = scenario.worker(kExclusive, true), left = scenario.worker(), right = scenario.worker();
  const MessageId in = scenario.message(left, middle, {0, 30});
  const MessageId out = scenario.message(middle, right, {0, 50}, StreamKind::send_backward);
  scenario.compute(middle, 10);
  const Ride ride = scenario.finish();

  const Timeline timeline = simulate(ride.program, ride.prices);

  CHECK(message_times(ride, timeline, in) == Times{0, 30});
  CHECK(message_times(ride, timeline, out) == Times{0, 50});
  CHECK(compute_times(ride, timeline, middle) == std::vector<Times>{{50, 60}});
}

TEST_CASE("two neighbours that forbid overlap alternate without a deadlock") {
  Scenario scenario;
  const WorkerId first = scenario.worker(kExclusive, true), second = scenario.worker(kExclusive, true);
  const ChannelId there = scenario.channel(first, second, {1, 4}), back = scenario.channel(second, first, {1, 4});
  MessageId reply{};
  for (int round = 0; round < 3; ++round) {
    const StepId ping = scenario.compute(first, 10);
    if (round > 0) scenario.after_receive(ping, reply);
    const MessageId message = scenario.message(there);
    scenario.send_after(message, ping);
    const StepId pong = scenario.compute(second, 20);
    scenario.after_receive(pong, message);
    reply = scenario.message(back);
    scenario.send_after(reply, pong);
  }
  const Ride ride = scenario.finish();

  const Timeline timeline = simulate(ride.program, ride.prices);

  CHECK(timeline.makespan().count == 3 * (10 + 5 + 20 + 5));
}
