#include "base/error.hpp"
#include "sim/simulate.hpp"
#include "tests/catch.hpp"
#include "tests/sim/scenario.hpp"

using namespace tandem;
using namespace tandem::test;

TEST_CASE("a program without steps takes no time") {
  Scenario scenario;
  scenario.worker();
  const Ride ride = scenario.finish();

  const Timeline timeline = simulate(ride.program, ride.prices);

  CHECK(timeline.spans.empty());
  CHECK(timeline.order.empty());
}

TEST_CASE("the steps of a stream run one after the other") {
  Scenario scenario;
  const WorkerId worker = scenario.worker();
  for (const std::int64_t time : {30, 0, 12}) scenario.compute(worker, time);
  const Ride ride = scenario.finish();

  const Timeline timeline = simulate(ride.program, ride.prices);

  CHECK(compute_times(ride, timeline, worker) == std::vector<Times>{{0, 30}, {30, 30}, {30, 42}});
}

TEST_CASE("an edge makes a step wait for one of another stream") {
  Scenario scenario;
  const WorkerId first = scenario.worker(), second = scenario.worker();
  const StepId slow = scenario.compute(first, 50);
  scenario.compute(second, 10);
  scenario.after(scenario.compute(second, 5), slow);
  const Ride ride = scenario.finish();

  const Timeline timeline = simulate(ride.program, ride.prices);

  CHECK(compute_times(ride, timeline, second) == std::vector<Times>{{0, 10}, {50, 55}});
}

TEST_CASE("a step waits for the last of its many edges, whichever it is") {
  for (const std::size_t slowest : {0u, 1u, 2u}) {
    Scenario scenario;
    std::vector<StepId> earlier;
    for (const std::size_t i : {0u, 1u, 2u})
      earlier.push_back(scenario.compute(scenario.worker(), i == slowest ? 90 : 20));
    const WorkerId last = scenario.worker();
    const StepId step = scenario.compute(last, 1);
    for (const StepId edge : earlier) scenario.after(step, edge);
    const Ride ride = scenario.finish();

    const Timeline timeline = simulate(ride.program, ride.prices);

    CHECK(compute_times(ride, timeline, last) == std::vector<Times>{{90, 91}});
  }
}

TEST_CASE("several steps may wait for one") {
  Scenario scenario;
  const StepId slow = scenario.compute(scenario.worker(), 40);
  std::vector<WorkerId> waiting;
  for (int i = 0; i < 5; ++i) {
    waiting.push_back(scenario.worker());
    scenario.after(scenario.compute(waiting.back(), 3), slow);
  }
  const Ride ride = scenario.finish();

  const Timeline timeline = simulate(ride.program, ride.prices);

  for (const WorkerId worker : waiting) CHECK(compute_times(ride, timeline, worker) == std::vector<Times>{{40, 43}});
}

TEST_CASE("a message moves when both ends are reached, and spans latency and transfer") {
  Scenario scenario;
  const std::uint32_t link = scenario.link();
  const WorkerId from = scenario.worker(), to = scenario.worker();
  const StepId produced = scenario.compute(from, 10), room = scenario.compute(to, 25);
  const MessageId message = scenario.message(from, to, {3, 40, link});
  scenario.send_after(message, produced);
  scenario.receive_after(message, room);
  scenario.after_receive(scenario.compute(to, 7), message);
  const Ride ride = scenario.finish();

  const Timeline timeline = simulate(ride.program, ride.prices);

  CHECK(message_times(ride, timeline, message) == Times{25, 68});  // max(10, 25) + 3 + 40
  CHECK(times_of(timeline, ride.program.messages()[0].receive) == Times{25, 68});
  CHECK(compute_times(ride, timeline, to) == std::vector<Times>{{0, 25}, {68, 75}});
}

TEST_CASE("latency occupies no link, so two messages' latencies pass together") {
  Scenario scenario;
  const std::uint32_t link = scenario.link();
  std::vector<MessageId> messages;
  for (int i = 0; i < 2; ++i)
    messages.push_back(scenario.message(scenario.worker(), scenario.worker(), {1000, 10, link}));
  const Ride ride = scenario.finish();

  const Timeline timeline = simulate(ride.program, ride.prices);

  for (const MessageId message : messages) CHECK(message_times(ride, timeline, message) == Times{0, 1020});
}

TEST_CASE("a message without latency and transfer takes no time, on a link or without one") {
  for (const bool has_link : {false, true}) {
    Scenario scenario;
    const std::uint32_t link = has_link ? scenario.link() : kExclusive;
    const WorkerId from = scenario.worker(), to = scenario.worker();
    const MessageId message = scenario.message(from, to, {0, 0, link});
    scenario.send_after(message, scenario.compute(from, 10));
    scenario.after_receive(scenario.compute(to, 7), message);
    const Ride ride = scenario.finish();

    const Timeline timeline = simulate(ride.program, ride.prices);

    CHECK(message_times(ride, timeline, message) == Times{10, 10});
    CHECK(compute_times(ride, timeline, to) == std::vector<Times>{{10, 17}});
  }
}

TEST_CASE("messages of one channel move one after the other") {
  Scenario scenario;
  const std::uint32_t link = scenario.link();
  const ChannelId channel = scenario.channel(scenario.worker(), scenario.worker(), {5, 20, link});
  for (int i = 0; i < 3; ++i) scenario.message(channel);
  const Ride ride = scenario.finish();

  const Timeline timeline = simulate(ride.program, ride.prices);

  CHECK(message_times(ride, timeline, MessageId{0}) == Times{0, 25});
  CHECK(message_times(ride, timeline, MessageId{1}) == Times{25, 50});
  CHECK(message_times(ride, timeline, MessageId{2}) == Times{50, 75});
}

TEST_CASE("the order lists every stream's steps as they started") {
  Scenario scenario;
  const WorkerId from = scenario.worker(), to = scenario.worker();
  scenario.send_after(scenario.message(from, to, {1, 1}), scenario.compute(from, 10));
  scenario.compute(to, 3);
  const Ride ride = scenario.finish();

  const Timeline timeline = simulate(ride.program, ride.prices);

  REQUIRE(timeline.order.size() == ride.program.step_count());
  for (const Stream& stream : ride.program.streams()) {
    for (std::uint32_t i = 0; i < stream.count; ++i) {
      const auto step = static_cast<StepId>(index_of(stream.first) + i);
      CHECK(timeline.order[index_of(stream.first) + i] == step);
    }
  }
  CHECK(timeline.cpu_time.empty());
}

TEST_CASE("what is not asked for is not recorded") {
  Scenario scenario;
  scenario.compute(scenario.worker(), 10);
  const Ride ride = scenario.finish();

  const Timeline timeline = simulate(ride.program, ride.prices, {.record_memory = false, .record_order = false});

  CHECK(timeline.order.empty());
  CHECK(timeline.memory.empty());
  CHECK(timeline.peaks.empty());
  CHECK(timeline.spans.size() == 1);
}

TEST_CASE("a deadlock that nobody refused is our mistake and names a blocked step") {
  Scenario scenario;
  const WorkerId first = scenario.worker(), second = scenario.worker();
  const StepId a = scenario.compute(first, 10), b = scenario.compute(second, 10);
  scenario.after(a, b);
  scenario.after(b, a);
  const Ride ride = scenario.finish();

  CHECK_THROWS_AS(simulate(ride.program, ride.prices), InvariantError);
  CHECK_THROWS_WITH(simulate(ride.program, ride.prices), Catch::Contains(ride.program.describe(StepId{0})));
}

TEST_CASE("receives in another order than their sends block, and are named") {
  Scenario scenario;
  const WorkerId from = scenario.worker(), to = scenario.worker();
  const MessageId first = scenario.message(from, to, {1, 1});
  const MessageId second = scenario.message(from, to, {1, 1}, StreamKind::send_backward);
  scenario.send_after(first, scenario.builder().receive_of(second));
  scenario.send_after(second, scenario.builder().receive_of(first));
  const Ride ride = scenario.finish();

  CHECK_THROWS_WITH(simulate(ride.program, ride.prices), Catch::Contains("0 of 4 steps run"));
}

TEST_CASE("an iteration longer than the clock is refused and does not wrap") {
  for (const bool shared : {false, true}) {
    Scenario scenario;
    const WorkerId worker = scenario.worker(shared ? scenario.cores(1) : kExclusive);
    for (int i = 0; i < 3; ++i) scenario.compute(worker, std::int64_t{1} << 62);
    const Ride ride = scenario.finish();

    CHECK_THROWS_AS(simulate(ride.program, ride.prices), InputError);
  }
}

TEST_CASE("prices that do not fit the program are our mistake") {
  Scenario scenario;
  const WorkerId worker = scenario.worker();
  scenario.compute(worker, 10);
  scenario.message(worker, scenario.worker(), {1, 1});
  const Ride ride = scenario.finish();
  const auto refuses = [&ride](auto spoil) {
    Prices prices = ride.prices;
    spoil(prices);
    CHECK_THROWS_AS(simulate(ride.program, prices), InvariantError);
  };

  refuses([](Prices& prices) { prices.works.clear(); });
  refuses([](Prices& prices) { prices.channels.clear(); });
  refuses([](Prices& prices) { prices.worker_resource.clear(); });
  refuses([](Prices& prices) { prices.worker_forbids_overlap.clear(); });
  refuses([](Prices& prices) { prices.works[0].time = {-1}; });
  refuses([](Prices& prices) { prices.routes[0].resource = 0; });
  refuses([](Prices& prices) { prices.worker_resource[0] = 0; });
}
