// The simulator's laws for programs with collectives: random groups, algorithms, sizes and late members.

#include <rapidcheck.h>

#include "sim/simulate.hpp"
#include "tests/catch.hpp"
#include "tests/sim/star.hpp"

using namespace tandem;
using namespace tandem::test;

namespace {

/// Collectives of one group, one after the other, each behind a compute step of every member.
struct Sums {
  std::uint32_t ranks = 2;
  std::string_view algorithm;
  CollectiveKind kind = CollectiveKind::all_reduce;
  std::int64_t elements = 0, latency = 0;
  std::vector<std::vector<std::int64_t>> compute;  ///< by collective and rank
  bool forbids_overlap = false;
};

struct Built {
  Ride ride;
  std::vector<CollectiveId> collectives;
};

Sums random_sums() {
  Sums sums;
  sums.ranks = *rc::gen::inRange(1u, 9u);
  sums.kind = *rc::gen::element(CollectiveKind::all_reduce, CollectiveKind::reduce_scatter, CollectiveKind::all_gather,
                                CollectiveKind::broadcast);
  sums.elements = *rc::gen::inRange<std::int64_t>(0, 100);
  sums.latency = *rc::gen::inRange<std::int64_t>(0, 9);
  sums.algorithm = *rc::gen::suchThat(rc::gen::element<std::string_view>("direct", "halving_doubling", "ring", "tree"),
                                      [&](std::string_view name) {
                                        return find_collective_algorithm(name).suits(
                                            shape_of(sums.kind, sums.ranks, sums.elements));
                                      });
  sums.compute.resize(*rc::gen::inRange<std::size_t>(1, 5));
  for (auto& times : sums.compute)
    times = *rc::gen::container<std::vector<std::int64_t>>(sums.ranks, rc::gen::inRange<std::int64_t>(0, 500));
  sums.forbids_overlap = *rc::gen::arbitrary<bool>();
  return sums;
}

Built build(const Sums& sums, bool shared) {
  Scenario scenario;
  Star star(scenario, sums.ranks, {sums.latency, 1e12, shared});
  if (sums.forbids_overlap) scenario.prices().worker_forbids_overlap[0] = true;
  const CollectiveSpecId spec = star.spec(shape_of(sums.kind, sums.ranks, sums.elements), sums.algorithm);
  std::vector<CollectiveId> collectives;
  for (const auto& times : sums.compute) {
    const CollectiveId collective = star.collective(spec);
    for (std::uint32_t rank = 0; rank < sums.ranks; ++rank) {
      const StepId step = scenario.compute(star.workers[rank], times[rank]);
      scenario.after(star.step(collective, rank), step);
      if (!collectives.empty()) scenario.after(step, star.step(collectives.back(), rank));
    }
    collectives.push_back(collective);
  }
  return {scenario.finish(), std::move(collectives)};
}

Timeline simulated(const Built& built) { return simulate(built.ride.program, built.ride.prices); }

}  // namespace

TEST_CASE("with collectives streams and edges are kept, and no step ends before it starts") {
  const bool holds = rc::check([] {
    const Built built = build(random_sums(), *rc::gen::arbitrary<bool>());
    const Program& program = built.ride.program;

    const Timeline timeline = simulated(built);

    for (std::uint32_t i = 0; i < program.step_count(); ++i) {
      RC_ASSERT(timeline.spans[i].start <= timeline.spans[i].end);
      for (const StepId earlier : program.after(static_cast<StepId>(i)))
        RC_ASSERT(timeline.spans[index_of(earlier)].end <= timeline.spans[i].start);
      if (i > 0 && program.steps()[i - 1].stream == program.steps()[i].stream)
        RC_ASSERT(timeline.spans[i - 1].end <= timeline.spans[i].start);
    }
  });
  CHECK(holds);
}

TEST_CASE("sharing links never makes collectives shorter than unshared ones, and a ring no longer") {
  const bool holds = rc::check([] {
    Sums sums = random_sums();
    sums.compute.resize(1);  // entered once: with more, an order of arrival could help

    const std::int64_t with = simulated(build(sums, true)).makespan().count;
    const std::int64_t without = simulated(build(sums, false)).makespan().count;

    RC_ASSERT(with >= without);
    if (sums.algorithm == "ring") RC_ASSERT(with == without);
  });
  CHECK(holds);
}

TEST_CASE("members that enter together without sharing take the closed form") {
  const bool holds = rc::check([] {
    Sums sums = random_sums();
    sums.compute.assign(1, std::vector<std::int64_t>(sums.ranks, 100));
    const CollectiveShape shape = shape_of(sums.kind, sums.ranks, sums.elements);
    const MessageCost cost{to_seconds(Picoseconds{sums.latency}), {1e12}};
    const Seconds reckoned = uncontended_time(find_collective_algorithm(sums.algorithm), shape, cost, cost);
    const std::int64_t alone = sums.ranks == 1 ? 0 : to_picoseconds(reckoned).count;

    const Built built = build(sums, false);

    RC_ASSERT(simulated(built).makespan().count == 100 + alone);
  });
  CHECK(holds);
}

TEST_CASE("scaling every duration, latency and inverse bandwidth by k scales a ride with collectives by k") {
  const bool holds = rc::check([] {
    const Built built = build(random_sums(), false);
    const auto k = *rc::gen::element<std::int64_t>(2, 1'000, 1'000'000);
    Built scaled = built;

    for (WorkPrice& work : scaled.ride.prices.works) work.time.count *= k;
    for (RoutePrice& route : scaled.ride.prices.routes) {
      route.latency.count *= k;
      route.bytes_per_second /= static_cast<double>(k);
    }
    const Timeline before = simulated(built), after = simulated(scaled);

    for (std::size_t i = 0; i < before.spans.size(); ++i) {
      RC_ASSERT(after.spans[i].start.count == k * before.spans[i].start.count);
      RC_ASSERT(after.spans[i].end.count == k * before.spans[i].end.count);
    }
  });
  CHECK(holds);
}

TEST_CASE("a worker that forbids overlap never computes within its span of a collective") {
  const bool holds = rc::check([] {
    Sums sums = random_sums();
    sums.forbids_overlap = true;
    const Built built = build(sums, true);
    const Program& program = built.ride.program;

    const Timeline timeline = simulated(built);

    const Stream& compute = program.stream(program.workers()[0].compute);
    for (const CollectiveId collective : built.collectives) {
      const Times exchange = member_times(built.ride, timeline, collective)[0];
      for (std::uint32_t i = 0; i < compute.count; ++i) {
        const Times step = times_of(timeline, static_cast<StepId>(index_of(compute.first) + i));
        RC_ASSERT(step.second <= exchange.first || exchange.second <= step.first);
      }
    }
  });
  CHECK(holds);
}

TEST_CASE("over shared links the spans of a ride with collectives are the same in every simulation") {
  const bool holds = rc::check([] {
    const Built built = build(random_sums(), true);
    const Timeline once = simulated(built), again = simulated(built);

    for (std::uint32_t i = 0; i < built.ride.program.step_count(); ++i)
      RC_ASSERT(times_of(once, static_cast<StepId>(i)) == times_of(again, static_cast<StepId>(i)));
  });
  CHECK(holds);
}
