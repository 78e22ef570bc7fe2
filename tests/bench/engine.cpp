// Speed of the simulator: steps a second and bytes a step for 1F1B, with its messages, as programs grow.
// Counters: `steps/s`; `steps`; `program_B`: Program::footprint() a step; `resident_B`: resident bytes a step at the
// peak of a simulation, with the Program, its memory script and the timeline.

#include <benchmark/benchmark.h>

#include "sim/simulate.hpp"
#include "tests/bench/resident_memory.hpp"
#include "tests/sim/chain.hpp"

namespace {

using namespace tandem;
using namespace tandem::bench;
using tandem::test::ChainTimes;

constexpr ChainTimes kTimes{
    .forward = 1'000'000'000, .backward = 2'000'000'000, .latency = 5'000'000, .transfer = 40'000'000};

void report(benchmark::State& state, const Program& program, std::int64_t resident_bytes) {
  const auto steps = static_cast<double>(program.step_count());
  state.counters["steps"] = steps;
  state.counters["steps/s"] = benchmark::Counter(steps, benchmark::Counter::kIsIterationInvariantRate);
  state.counters["program_B"] = static_cast<double>(program.footprint().count) / steps;
  state.counters["resident_B"] = static_cast<double>(resident_bytes) / steps;
}

void simulate_pipeline(benchmark::State& state, const ChainTimes& times, const SimulateOptions& options) {
  const std::int64_t before = resident_now();
  const Program program = test::lower_chain("1f1b", static_cast<std::uint32_t>(state.range(0)),
                                            static_cast<std::uint32_t>(state.range(1)));
  const Prices prices = test::price_chain(program, times);
  resident_now();
  forget_peak();
  for (auto _ : state) benchmark::DoNotOptimize(simulate(program, prices, options));
  report(state, program, resident_peak() - before);
}

void equal_stages(benchmark::State& state) { simulate_pipeline(state, kTimes, {}); }
void unequal_stages(benchmark::State& state) {
  ChainTimes times = kTimes;
  times.spread = 9'973;  // no two stages end together
  simulate_pipeline(state, times, {});
}
void spans_alone(benchmark::State& state) { 
  simulate_pipeline(state, kTimes, {.record_memory = false, .record_order = false});
 }

// p = 64 and m from 1e5 to 2e7 steps; then the same number of steps on 1024 stages
void sizes(benchmark::internal::Benchmark* bench) {
  bench->Unit(benchmark::kMillisecond)->ArgNames({"p", "m"});
  for (const std::int64_t micro_batches : {263, 1024, 4096, 16384, 52600}) bench->Args({64, micro_batches});
  bench->Args({1024, 256});
}

}  // namespace

BENCHMARK(equal_stages)->Apply(sizes);
BENCHMARK(unequal_stages)->Apply(sizes);
BENCHMARK(spans_alone)->Apply(sizes);
BENCHMARK_MAIN();
