#include <rapidcheck.h>

#include "sim/simulate.hpp"
#include "tests/catch.hpp"
#include "tests/sim/random_ride.hpp"

using namespace tandem;
using namespace tandem::test;

namespace {

std::vector<Times> simulated_times(const BuiltDraft& built) {
  const Timeline timeline = simulate(built.ride.program, built.ride.prices);
  std::vector<Times> times;
  for (const StepId step : built.step) times.push_back(times_of(timeline, step));
  return times;
}

std::int64_t last_end(const std::vector<Times>& times) {
  std::int64_t last = 0;
  for (const Times& item : times) last = std::max(last, item.second);
  return last;
}

std::int64_t busiest_worker(const Draft& draft) {
  std::vector<std::int64_t> busy(draft.workers, 0);
  for (const Item& item : draft.items) {
    if (!item.is_message) busy[item.worker] += item.time;
  }
  return *std::max_element(busy.begin(), busy.end());
}

std::int64_t sum_of_all(const Draft& draft) {
  std::int64_t sum = 0;
  for (const Item& item : draft.items) sum += item.time + (item.is_message ? item.latency : 0);
  return sum;
}

}  // namespace

TEST_CASE("without sharing every step starts at the end of its longest path") {
  const bool holds = rc::check([] {
    const Draft draft = random_draft(Sharing::none);

    RC_ASSERT(simulated_times(build(draft)) == longest_paths(draft));
  });
  CHECK(holds);
}

TEST_CASE("the makespan lies between the busiest stream, the critical path and the sum of all") {
  const bool holds = rc::check([] {
    const Draft draft = random_draft(Sharing::some);

    const std::int64_t makespan = last_end(simulated_times(build(draft)));

    const auto rounding = static_cast<std::int64_t>(draft.items.size());  // half a picosecond per end, at most
    RC_ASSERT(makespan >= std::max(busiest_worker(draft), last_end(longest_paths(draft))));
    RC_ASSERT(makespan <= sum_of_all(draft) + rounding);
  });
  CHECK(holds);
}

TEST_CASE("streams and edges are kept, and both ends of a message span the same time") {
  const bool holds = rc::check([] {
    const BuiltDraft built = build(random_draft(Sharing::some));
    const Program& program = built.ride.program;

    const Timeline timeline = simulate(program, built.ride.prices);

    for (std::uint32_t i = 0; i < program.step_count(); ++i) {
      const auto step = static_cast<StepId>(i);
      RC_ASSERT(timeline.spans[i].start <= timeline.spans[i].end);
      for (const StepId earlier : program.after(step))
        RC_ASSERT(timeline.spans[index_of(earlier)].end <= timeline.spans[i].start);
      if (i > 0 && program.steps()[i - 1].stream == program.steps()[i].stream)
        RC_ASSERT(timeline.spans[i - 1].end <= timeline.spans[i].start);
    }
    for (const Message& message : program.messages())
      RC_ASSERT(times_of(timeline, message.send) == times_of(timeline, message.receive));
  });
  CHECK(holds);
}

TEST_CASE("no step takes less than its price, and on exclusive resources none takes more") {
  const bool holds = rc::check([] {
    const Draft draft = random_draft(Sharing::some);
    const std::vector<Times> times = simulated_times(build(draft));

    for (std::size_t i = 0; i < draft.items.size(); ++i) {
      const Item& item = draft.items[i];
      const std::int64_t length = times[i].second - times[i].first;
      const std::int64_t price = item.time + (item.is_message ? item.latency : 0);
      RC_ASSERT(length >= price);
      if (item.is_message ? draft.links == 0 && !draft.cores_move : draft.cores == 0) RC_ASSERT(length == price);
    }
  });
  CHECK(holds);
}

TEST_CASE("a link that is never idle moves its bytes at full rate, however they are shared") {
  const bool holds = rc::check([] {
    const auto transfers = *rc::gen::nonEmpty(rc::gen::container<std::vector<int>>(rc::gen::inRange(1, 1'000'000)));
    Scenario scenario;
    const std::uint32_t link = scenario.link();
    for (const int transfer : transfers) scenario.message(scenario.worker(), scenario.worker(), {0, transfer, link});
    const Ride ride = scenario.finish();

    const std::int64_t makespan = simulate(ride.program, ride.prices).makespan().count;

    const std::int64_t work = std::accumulate(transfers.begin(), transfers.end(), std::int64_t{0});
    RC_ASSERT(std::abs(makespan - work) <= 1);
  });
  CHECK(holds);
}

TEST_CASE("a core that is never idle does all the work of its threads in the time that it takes") {
  const bool holds = rc::check([] {
    const auto times = *rc::gen::nonEmpty(rc::gen::container<std::vector<std::int64_t>>(
        rc::gen::inRange<std::int64_t>(1, 20'000'000'000)));
    Scenario scenario;
    const std::uint32_t core = scenario.cores(1);
    for (const std::int64_t time : times) scenario.compute(scenario.worker(core), time);
    const Ride ride = scenario.finish();

    RC_ASSERT(simulate(ride.program, ride.prices).makespan().count ==
              std::accumulate(times.begin(), times.end(), std::int64_t{0}));
  });
  CHECK(holds);
}

TEST_CASE("without sharing, making a step shorter or dropping an edge never makes the iteration longer") {
  const bool holds = rc::check([] {
    Draft draft = random_draft(Sharing::none);
    RC_PRE(!draft.items.empty());
    const std::int64_t before = last_end(simulated_times(build(draft)));

    Item& item = draft.items[*rc::gen::inRange<std::size_t>(0, draft.items.size())];
    item.time -= *rc::gen::inRange<std::int64_t>(0, item.time + 1);
    if (!item.after.empty()) item.after.pop_back();

    RC_ASSERT(last_end(simulated_times(build(draft))) <= before);
  });
  CHECK(holds);
}

TEST_CASE("without sharing, scaling every duration and latency by k scales the timeline by k") {
  const bool holds = rc::check([] {
    Draft draft = random_draft(Sharing::none);
    const std::vector<Times> before = simulated_times(build(draft));
    const auto k = *rc::gen::inRange<std::int64_t>(1, 1'000'000'000'000);

    for (Item& item : draft.items) item.time *= k, item.latency *= k;
    const std::vector<Times> after = simulated_times(build(draft));

    for (std::size_t i = 0; i < before.size(); ++i)
      RC_ASSERT(after[i] == Times(k * before[i].first, k * before[i].second));
  });
  CHECK(holds);
}

TEST_CASE("renaming workers changes nothing, with shared links and bulk-synchronous workers too") {
  const bool holds = rc::check([] {
    Draft draft = random_draft(Sharing::some);
    draft.cores = 0, draft.cores_move = false;  // threads that come at one instant wait in the order of their numbers
    std::vector<std::size_t> place(draft.workers);
    std::iota(place.begin(), place.end(), 0);
    for (std::size_t i = place.size(); i > 1; --i) std::swap(place[i - 1], place[*rc::gen::inRange<std::size_t>(0, i)]);

    RC_ASSERT(simulated_times(build(draft, place)) == simulated_times(build(draft)));
  });
  CHECK(holds);
}

TEST_CASE("a worker that forbids overlap never computes and exchanges at once") {
  const bool holds = rc::check([] {
    const Draft draft = random_draft(Sharing::some);
    const std::vector<Times> times = simulated_times(build(draft));

    for (std::size_t i = 0; i < draft.items.size(); ++i) {
      for (std::size_t j = 0; j < draft.items.size(); ++j) {
        const Item &compute = draft.items[i], &message = draft.items[j];
        if (compute.is_message || !message.is_message || !draft.forbids_overlap[compute.worker]) continue;
        if (message.worker != compute.worker && message.to != compute.worker) continue;
        RC_ASSERT(times[i].second <= times[j].first || times[j].second <= times[i].first);
      }
    }
  });
  CHECK(holds);
}

TEST_CASE("every pair of workers receives the bytes that were sent") {
  const bool holds = rc::check([] {
    const BuiltDraft built = build(random_draft(Sharing::some));
    const Program& program = built.ride.program;
    const Timeline timeline = simulate(program, built.ride.prices);

    std::map<std::pair<WorkerId, WorkerId>, std::int64_t> sent, received;
    for (const StepId step : timeline.order) {
      const StepKind kind = program.step(step).kind;
      if (kind != StepKind::send && kind != StepKind::receive) continue;
      const Channel& channel = program.channels()[index_of(program.message(step).channel)];
      (kind == StepKind::send ? sent : received)[{channel.from, channel.to}] += channel.bytes.count;
    }
    RC_ASSERT(sent == received);
  });
  CHECK(holds);
}
