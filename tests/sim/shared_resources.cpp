#include "sim/simulate.hpp"
#include "tests/catch.hpp"
#include "tests/sim/pipeline.hpp"

using namespace tandem;
using namespace tandem::test;

namespace {

/// Sends from workers that become ready at these times, over one link.
std::vector<Times> flows_over_one_link(const std::vector<std::pair<std::int64_t, std::int64_t>>& start_and_transfer) {
  Scenario scenario;
  const std::uint32_t link = scenario.link();
  std::vector<MessageId> messages;
  for (const auto& [start, transfer] : start_and_transfer) {
    const WorkerId from = scenario.worker();
    messages.push_back(scenario.message(from, scenario.worker(), {0, transfer, link}));
    scenario.send_after(messages.back(), scenario.compute(from, start));
  }
  const Ride ride = scenario.finish();
  const Timeline timeline = simulate(ride.program, ride.prices);
  std::vector<Times> times;
  for (const MessageId message : messages) times.push_back(message_times(ride, timeline, message));
  return times;
}

}  // namespace

TEST_CASE("k equal flows over one link progress at B/k each") {
  for (const std::int64_t k : {1, 2, 3, 7, 32}) {
    const std::vector<std::pair<std::int64_t, std::int64_t>> flows(static_cast<std::size_t>(k), {11, 5'000'011});

    for (const Times& times : flows_over_one_link(flows)) CHECK(times == Times{11, 11 + k * 5'000'011});
  }
}

TEST_CASE("staggered flows over one link end as worked out by hand") {
  // 0-40: A alone, 60 left. 40-100: A and B at a half: A 30 left, B 90 left. From 100 C too, a third each: A and C
  // have 30: until 190. B has 60 left, alone: until 250.
  const std::vector<Times> times = flows_over_one_link({{0, 100}, {40, 120}, {100, 30}});

  CHECK(times == std::vector<Times>{{0, 190}, {40, 250}, {100, 190}});
}

TEST_CASE("links do not slow each other") {
  Scenario scenario;
  std::vector<MessageId> messages;
  for (int i = 0; i < 4; ++i)
    messages.push_back(scenario.message(scenario.worker(), scenario.worker(), {0, 100, scenario.link()}));
  const Ride ride = scenario.finish();

  const Timeline timeline = simulate(ride.program, ride.prices);

  for (const MessageId message : messages) CHECK(message_times(ride, timeline, message) == Times{0, 100});
}

TEST_CASE("eight workers on two cores take turns, each until it has no more to do") {
  Scenario scenario;
  const std::uint32_t cores = scenario.cores(2);
  std::vector<WorkerId> workers;
  for (int i = 0; i < 8; ++i) {
    workers.push_back(scenario.worker(cores));
    for (int step = 0; step < 3; ++step) scenario.compute(workers.back(), 1'003);
  }
  const Ride ride = scenario.finish();

  const Timeline timeline = simulate(ride.program, ride.prices);

  for (std::int64_t i = 0; i < 8; ++i) {
    const std::int64_t begin = i / 2 * 3'009;  // after those before it on its core
    CHECK(compute_times(ride, timeline, workers[static_cast<std::size_t>(i)]) ==
          std::vector<Times>{{begin, begin + 1'003}, {begin + 1'003, begin + 2'006}, {begin + 2'006, begin + 3'009}});
  }
}

TEST_CASE("a step begins when its thread gets a core, not when it could") {
  Scenario scenario;
  const std::uint32_t core = scenario.cores(1);
  const WorkerId first = scenario.worker(core), second = scenario.worker(core);
  const StepId produced = scenario.compute(first, 10);
  scenario.compute(first, 50);
  scenario.after(scenario.compute(second, 5), produced);
  const Ride ride = scenario.finish();

  const Timeline timeline = simulate(ride.program, ride.prices);

  CHECK(compute_times(ride, timeline, second) == std::vector<Times>{{60, 65}});
}

TEST_CASE("whoever readies the second end of a message moves it, before what it does next") {
  for (const bool sender_is_last : {true, false}) {
    Scenario scenario;
    const std::uint32_t cores = scenario.cores(2);
    const WorkerId from = scenario.worker(cores), to = scenario.worker(cores);
    const StepId produced = scenario.compute(from, sender_is_last ? 100 : 40);
    const StepId room = scenario.compute(to, sender_is_last ? 40 : 100);
    scenario.compute(from, 1000), scenario.compute(to, 1000);
    const MessageId message = scenario.message(from, to, {5, 30, kExclusive, cores});
    scenario.send_after(message, produced), scenario.receive_after(message, room);
    const Ride ride = scenario.finish();

    const Timeline timeline = simulate(ride.program, ride.prices);

    CHECK(message_times(ride, timeline, message) == Times{100, 135});  // 5 + 30
    CHECK(compute_times(ride, timeline, sender_is_last ? from : to)[1] == Times{135, 1135});
    CHECK(compute_times(ride, timeline, sender_is_last ? to : from)[1] == Times{40, 1040});
  }
}

TEST_CASE("who is woken by a message begins when it is awake, who moved it at once") {
  Scenario scenario;
  const std::uint32_t cores = scenario.cores(2);
  scenario.prices().resources[cores].wake = {7};
  const WorkerId from = scenario.worker(cores), to = scenario.worker(cores);
  const MessageId message = scenario.message(from, to, {5, 30, kExclusive, cores});
  scenario.send_after(message, scenario.compute(from, 100));
  scenario.compute(from, 1000);
  scenario.after_receive(scenario.compute(to, 50), message);
  const Ride ride = scenario.finish();

  const Timeline timeline = simulate(ride.program, ride.prices);

  CHECK(message_times(ride, timeline, message) == Times{107, 142});
  CHECK(compute_times(ride, timeline, from)[1] == Times{142, 1142});
  CHECK(compute_times(ride, timeline, to)[0] == Times{149, 199});
}

TEST_CASE("a job that is due leaves before another joins, whichever was written down first") {
  for (const bool due_first : {true, false}) {
    Scenario scenario;
    const std::uint32_t cores = scenario.cores(2, {1, 1.3, 3});
    const WorkerId one = scenario.worker(cores), two = scenario.worker(cores), elsewhere = scenario.worker();
    const WorkerId due = due_first ? one : two, joining = due_first ? two : one;
    scenario.compute(due, 4);
    scenario.after(scenario.compute(joining, 100), scenario.compute(elsewhere, 5));
    const Ride ride = scenario.finish();

    const Timeline timeline = simulate(ride.program, ride.prices);

    // 4 x 1.3 = 5.2, so the first leaves at 5; of what is left then, two jobs at once would make nearly 1 ps
    CHECK(compute_times(ride, timeline, due)[0] == Times{0, 5});
    CHECK(compute_times(ride, timeline, joining)[0] == Times{5, 135});  // 5 + 100 x 1.3
  }
}

TEST_CASE("what takes no time does not need a core") {
  Scenario scenario;
  const std::uint32_t cores = scenario.cores(1);
  const WorkerId busy = scenario.worker(cores), idle = scenario.worker(cores);
  scenario.compute(busy, 100);
  scenario.compute(idle, 0);
  const Ride ride = scenario.finish();

  const Timeline timeline = simulate(ride.program, ride.prices);

  CHECK(compute_times(ride, timeline, busy)[0] == Times{0, 100});
  CHECK(compute_times(ride, timeline, idle)[0] == Times{0, 0});
}
