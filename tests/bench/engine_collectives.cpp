// A flat ring all-reduce over ranks around a switch, whose links are shared: two messages a rank and round, none of
// which waits for another. `messages/s`: messages simulated in a second.

#include <benchmark/benchmark.h>

#include "sim/simulate.hpp"
#include "tests/sim/star.hpp"

namespace {

using namespace tandem;
using namespace tandem::test;

void ring_all_reduce(benchmark::State& state) {
  const auto ranks = static_cast<std::uint32_t>(state.range(0));
  Scenario scenario;
  Star star(scenario, ranks, {.latency = 1'000'000, .bytes_per_second = 25e9});
  star.collective(shape_of(CollectiveKind::all_reduce, ranks, state.range(1)), "ring");
  const Ride ride = scenario.finish();
  for (auto _ : state) benchmark::DoNotOptimize(simulate(ride.program, ride.prices, {.record_order = false}));
  const double messages = 2.0 * ranks * (ranks - 1);
  state.counters["messages"] = messages;
  state.counters["messages/s"] = benchmark::Counter(messages, benchmark::Counter::kIsIterationInvariantRate);
}

}  // namespace

// Blocks all equal, so that all ranks move together; then blocks that differ by a value, so that they drift apart.
BENCHMARK(ring_all_reduce)
    ->Unit(benchmark::kMillisecond)
    ->ArgNames({"ranks", "values"})
    ->Args({64, 1 << 20})
    ->Args({1024, 1 << 24})
    ->Args({1024, (1 << 24) + 511});
