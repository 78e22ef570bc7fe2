// How much of an iteration on one worker is spent inside kernels: the rest is what the executor costs.
#include <fmt/format.h>

#include <iostream>

#include "exec/profile.hpp"
#include "plan/lower.hpp"
#include "timeline/quantile.hpp"

using namespace tandem;

int main() {
  const Model model = load_model("gpt-nano");
  Plan plan;
  const Program program = lower(plan, model, {}, {DeviceId{0}});
  const Dataset dataset(model, std::string(65536, 'a'), plan.seed);
  RunOptions options;
  options.iterations = 12;
  std::vector<double> shares;
  double kernels = 0;
  options.after_iteration = [&](std::int64_t, float) {
    shares.push_back(kernels);
    kernels = 0;
  };
  const RunResult result = run_observed(program, model, dataset, options, [&](const Model&, LayerId, Pass, Region, Picoseconds time) {
    kernels += to_seconds(time).value;
  });
  for (std::size_t i = 0; i < shares.size(); ++i) {
    const Timeline& timeline = result.timelines[i];
    for (std::uint32_t step = 0; step < program.step_count(); ++step) {
      const StepKind kind = program.step(static_cast<StepId>(step)).kind;
      if (kind != StepKind::forward && kind != StepKind::backward)  // clears, sums and updates are kernels of their own
        shares[i] += to_seconds(timeline.spans[step].end - timeline.spans[step].start).value;
    }
    shares[i] /= to_seconds(timeline.makespan()).value;
  }
  std::cout << fmt::format("gpt-nano, one worker, 8 micro-batches of 4: {:.2f} % of an iteration inside kernels (p10 {:.2f}, p90 {:.2f}, {} iterations)\n",
                           100 * quantile(shares, 0.5), 100 * quantile(shares, 0.1), 100 * quantile(shares, 0.9), shares.size());
}
