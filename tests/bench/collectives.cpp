// The cost of a step where links are shared, over that where none is: groups of eight that all-reduce again and again,
// all behind one switch, with compute between. `steps/s`: steps simulated in a second.

#include <benchmark/benchmark.h>

#include "sim/simulate.hpp"
#include "tests/sim/star.hpp"

namespace {

using namespace tandem;
using namespace tandem::test;

constexpr std::uint32_t kGroup = 8;
constexpr std::int64_t kValues = 1 << 20;

enum class Network : std::int64_t { shared, unshared, closed_form };

/// Adds `times` collectives of one group, each between two compute steps of every member; members drift apart.
void add_group(Scenario& scenario, Network network, std::int64_t times, std::string_view algorithm) {
  const StarTimes links{.latency = 1'000'000, .bytes_per_second = 25e9, .shared = network == Network::shared};
  Star star(scenario, kGroup, links);
  const CollectiveSpecId spec = star.spec(shape_of(CollectiveKind::all_reduce, kGroup, kValues), algorithm);
  if (network == Network::closed_form) {
    const MessageCost cost{{1e-6}, {25e9}};
    scenario.prices().collectives.back().closed_form = to_picoseconds(
        uncontended_time(find_collective_algorithm(algorithm), shape_of(CollectiveKind::all_reduce, kGroup, kValues),
                         cost, cost));
  }
  std::vector<StepId> before(kGroup, kNone<StepId>);
  for (std::int64_t i = 0; i < times; ++i) {
    for (std::uint32_t rank = 0; rank < kGroup; ++rank) {
      const StepId step = scenario.compute(star.workers[rank], 100'000'000 + 7'919 * rank);
      if (i > 0) scenario.after(step, before[rank]);
      before[rank] = step;
    }
    const CollectiveId collective = star.collective(spec);
    for (std::uint32_t rank = 0; rank < kGroup; ++rank) {
      scenario.after(star.step(collective, rank), before[rank]);
      before[rank] = star.step(collective, rank);
    }
  }
}

void groups(benchmark::State& state, Network network, std::string_view algorithm) {
  Scenario scenario;
  for (std::int64_t i = 0; i < state.range(0); ++i) add_group(scenario, network, 200, algorithm);
  const Ride ride = scenario.finish();
  for (auto _ : state) benchmark::DoNotOptimize(simulate(ride.program, ride.prices, {.record_order = false}));
  const auto steps = static_cast<double>(ride.program.step_count());
  state.counters["steps"] = steps;
  state.counters["steps/s"] = benchmark::Counter(steps, benchmark::Counter::kIsIterationInvariantRate);
}

void sizes(benchmark::internal::Benchmark* bench) {
  bench->Unit(benchmark::kMillisecond)->ArgName("groups")->Arg(1)->Arg(128);
}

}  // namespace

BENCHMARK_CAPTURE(groups, ring_shared, Network::shared, "ring")->Apply(sizes);
BENCHMARK_CAPTURE(groups, ring_unshared, Network::unshared, "ring")->Apply(sizes);
BENCHMARK_CAPTURE(groups, halving_doubling_shared, Network::shared, "halving_doubling")->Apply(sizes);
BENCHMARK_CAPTURE(groups, halving_doubling_unshared, Network::unshared, "halving_doubling")->Apply(sizes);
BENCHMARK_CAPTURE(groups, closed_form, Network::closed_form, "ring")->Apply(sizes);
BENCHMARK_MAIN();
