#include "sim/simulate.hpp"
#include "tests/catch.hpp"
#include "tests/sim/pipeline.hpp"

using namespace tandem;
using namespace tandem::test;

namespace {

/// Sends from workers that become ready at these times, over one link.
std::vector<Times> flows_over_one_link(const std::vector<std::pair<std::int64_t, std::int64_t>>& start_and_transfer) {
  Scenario scenario;
  const std::uint32_t link = scenario.resource(1);
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
    messages.push_back(scenario.message(scenario.worker(), scenario.worker(), {0, 100, scenario.resource(1)}));
  const Ride ride = scenario.finish();

  const Timeline timeline = simulate(ride.program, ride.prices);

  for (const MessageId message : messages) CHECK(message_times(ride, timeline, message) == Times{0, 100});
}

TEST_CASE("eight workers on two cores run at a quarter of full rate") {
  Scenario scenario;
  const std::uint32_t cores = scenario.resource(2);
  std::vector<WorkerId> workers;
  for (int i = 0; i < 8; ++i) {
    workers.push_back(scenario.worker(cores));
    for (int step = 0; step < 3; ++step) scenario.compute(workers.back(), 1'000'003);
  }
  const Ride ride = scenario.finish();

  const Timeline timeline = simulate(ride.program, ride.prices);

  for (const WorkerId worker : workers) {
    CHECK(compute_times(ride, timeline, worker) ==
          std::vector<Times>{{0, 4'000'012}, {4'000'012, 8'000'024}, {8'000'024, 12'000'036}});
  }
}

TEST_CASE("workers on shared cores speed up as others leave") {
  Scenario scenario;
  const std::uint32_t cores = scenario.resource(2);
  std::vector<WorkerId> workers;
  for (const std::int64_t time : {100, 100, 100, 400}) {
    workers.push_back(scenario.worker(cores));
    scenario.compute(workers.back(), time);
  }
  const Ride ride = scenario.finish();

  const Timeline timeline = simulate(ride.program, ride.prices);

  // four on two cores: a half each, so three end at 200; the last has 300 left, alone
  CHECK(compute_times(ride, timeline, workers[0])[0] == Times{0, 200});
  CHECK(compute_times(ride, timeline, workers[3])[0] == Times{0, 500});
}

TEST_CASE("a copy between threads takes a core as a compute step does") {
  Scenario scenario;
  const std::uint32_t cores = scenario.resource(1);
  const WorkerId from = scenario.worker(cores), to = scenario.worker(cores), other = scenario.worker(cores);
  const MessageId message = scenario.message(from, to, {0, 30, cores});
  scenario.compute(other, 100);
  const Ride ride = scenario.finish();

  const Timeline timeline = simulate(ride.program, ride.prices);

  CHECK(message_times(ride, timeline, message) == Times{0, 60});        // half rate
  CHECK(compute_times(ride, timeline, other)[0] == Times{0, 130});  // 30 done by then, 70 left
}

TEST_CASE("a message pays the busy latency where all cores are taken as it starts") {
  for (const double cores_count : {1.0, 2.0}) {
    Scenario scenario;
    const std::uint32_t cores = scenario.resource(cores_count);
    const WorkerId from = scenario.worker(cores), to = scenario.worker(cores);
    const StepId produced = scenario.compute(from, 10);
    scenario.compute(from, 1000);  // starts as the message does: one core is taken
    const MessageId message = scenario.message(from, to, {5, 0, cores, 500});
    scenario.send_after(message, produced);
    const Ride ride = scenario.finish();

    const Timeline timeline = simulate(ride.program, ride.prices);

    CHECK(message_times(ride, timeline, message) == Times{10, cores_count == 1.0 ? 510 : 15});
  }
}

TEST_CASE("a message that waits for a core takes the first that is free, if that is before its turn") {
  Scenario scenario;
  const std::uint32_t cores = scenario.resource(1);
  const WorkerId from = scenario.worker(cores), to = scenario.worker(cores);
  const StepId produced = scenario.compute(from, 10);
  scenario.compute(from, 90);  // starts as the message does and ends long before its turn
  const MessageId message = scenario.message(from, to, {5, 20, cores, 500});
  scenario.send_after(message, produced);
  const Ride ride = scenario.finish();

  const Timeline timeline = simulate(ride.program, ride.prices);

  CHECK(message_times(ride, timeline, message) == Times{10, 125});  // the core is free at 100: 5 to wake, 20 to move
}

TEST_CASE("a turn that comes as a core becomes free is taken once") {
  Scenario scenario;
  const std::uint32_t cores = scenario.resource(1);
  const WorkerId from = scenario.worker(cores), to = scenario.worker(cores);
  const StepId produced = scenario.compute(from, 10);
  scenario.compute(from, 90);
  const MessageId message = scenario.message(from, to, {5, 20, cores, 90});
  scenario.send_after(message, produced);
  const Ride ride = scenario.finish();

  const Timeline timeline = simulate(ride.program, ride.prices);

  CHECK(message_times(ride, timeline, message) == Times{10, 120});  // its turn is at 100 and needs no waking up
}

TEST_CASE("two messages of a stream whose turns fall on one instant each end once") {
  Scenario scenario;
  const std::uint32_t core = scenario.resource(1);
  const WorkerId from = scenario.worker(), to = scenario.worker(), other = scenario.worker(core);
  const MessageId first = scenario.message(from, to, {1, 5, core, 100});
  const MessageId second = scenario.message(from, to, {1, 5, core, 84});
  scenario.compute(other, 10);
  scenario.after_receive(scenario.compute(other, 1000), first);
  const Ride ride = scenario.finish();

  const Timeline timeline = simulate(ride.program, ride.prices);

  // The first one's turn would come at 100, but the core is free at 10: 1 of latency, 5 of transfer. Then the core is
  // taken again, and the second one's turn comes at 16 + 84 = 100, too: from then on the two share the core, so that 5
  // take 10.
  CHECK(message_times(ride, timeline, first) == Times{0, 16});
  CHECK(message_times(ride, timeline, second) == Times{16, 110});
  CHECK(compute_times(ride, timeline, other) == std::vector<Times>{{0, 10}, {16, 1021}});
}

TEST_CASE("messages that become active at one instant do not make each other busy") {
  Scenario scenario;
  const std::uint32_t cores = scenario.resource(1);
  std::vector<MessageId> messages;
  for (int i = 0; i < 3; ++i)
    messages.push_back(scenario.message(scenario.worker(cores), scenario.worker(cores), {0, 10, cores, 500}));
  const Ride ride = scenario.finish();

  const Timeline timeline = simulate(ride.program, ride.prices);

  for (const MessageId message : messages) CHECK(message_times(ride, timeline, message) == Times{0, 30});
}

TEST_CASE("a job that is due leaves before another joins, whichever was written down first") {
  for (const bool due_first : {true, false}) {
    Scenario scenario;
    const std::uint32_t link = scenario.resource(1, {1, 1.3, 3});
    const auto add = [&](MessageTimes times) { return scenario.message(scenario.worker(), scenario.worker(), times); };
    const MessageTimes due{0, 4, link}, joining{5, 100, link};
    const MessageId first = add(due_first ? due : joining), second = add(due_first ? joining : due);
    const Ride ride = scenario.finish();

    const Timeline timeline = simulate(ride.program, ride.prices);

    // 4 x 1.3 = 5.2, so the first leaves at 5; of what is left then, two jobs at once would make nearly 1 ps
    CHECK(message_times(ride, timeline, due_first ? first : second) == Times{0, 5});
    CHECK(message_times(ride, timeline, due_first ? second : first) == Times{0, 135});  // 5 + 100 x 1.3
  }
}

TEST_CASE("what takes no time does not need a core") {
  Scenario scenario;
  const std::uint32_t cores = scenario.resource(1);
  const WorkerId busy = scenario.worker(cores), idle = scenario.worker(cores);
  scenario.compute(busy, 100);
  scenario.compute(idle, 0);
  const Ride ride = scenario.finish();

  const Timeline timeline = simulate(ride.program, ride.prices);

  CHECK(compute_times(ride, timeline, busy)[0] == Times{0, 100});
  CHECK(compute_times(ride, timeline, idle)[0] == Times{0, 0});
}
