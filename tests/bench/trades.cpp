// What trading time for memory costs the simulator: nanoseconds a step with recomputation, offloading and stashed weights,
// beside the plain pipeline. Counters: `steps`; `steps/s`.

#include <benchmark/benchmark.h>

#include "hardware_profiles/cluster.hpp"
#include "plan/prices.hpp"
#include "sim/simulate.hpp"
#include "tools/job.hpp"

namespace {

using namespace tandem;

void simulate_plan(benchmark::State& state, const char* schedule, const char* recompute, const char* offload) {
  Plan plan;
  plan.model = "gpt-nano";
  plan.cluster = "k80-x8";
  plan.pipeline = 8;
  plan.micro_batches = 4000;
  plan.schedule = schedule;
  plan.recompute = recompute;
  plan.offload = offload;
  const CostModel costs(false);
  const Job job = make_job(plan, load_cluster(plan.cluster), costs);
  const Prices prices = price(job.program, *job.model, job.cluster, costs, plan.optimizer);
  for (auto _ : state) benchmark::DoNotOptimize(simulate(job.program, prices));
  const auto steps = static_cast<double>(job.program.step_count());
  state.counters["steps"] = steps;
  state.counters["steps/s"] = benchmark::Counter(steps, benchmark::Counter::kIsIterationInvariantRate);
}

}  // namespace

BENCHMARK_CAPTURE(simulate_plan, plain, "1f1b", "none", "none")->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(simulate_plan, halves, "zb-h1", "none", "none")->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(simulate_plan, recompute, "1f1b", "block", "none")->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(simulate_plan, offload, "1f1b", "none", "stage")->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(simulate_plan, recompute_and_offload, "1f1b", "block", "stage")->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(simulate_plan, stashed_weights, "pipedream", "none", "none")->Unit(benchmark::kMillisecond);
BENCHMARK_MAIN();
