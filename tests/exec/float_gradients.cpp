// Gradients that are summed and held in float beside weights of bfloat16.

#include <cmath>

#include "plan/memory_script.hpp"
#include "tests/catch.hpp"
#include "tests/exec/run_scenario.hpp"
#include "tests/plan/meshes.hpp"

using namespace tandem;

namespace {

Plan short_plan(std::int64_t replicas, std::int64_t pipeline, std::int64_t micro_batches) {
  Plan plan = plan_on(replicas, 1, 1, 1);
  plan.pipeline = pipeline;
  plan.micro_batches = micro_batches;
  plan.micro_batch_size = 2;
  plan.precision = ElementType::bfloat16;
  plan.float_gradients = true;
  return plan;
}

Program lowered(const Plan& plan, const Model& model) {
  return lower_on(plan, model, even_cuts(model, static_cast<std::size_t>(plan.pipeline)));
}

RunResult run(AnyRide ride, const Plan& plan, const Model& model, std::int64_t iterations = 2) {
  const Model stored = model.stored_as(plan.precision);
  return ride(lowered(plan, model), stored, small_data(stored), {.iterations = iterations});
}

/// Root of the sum of squares of what two runs' gradients have apart.
double apart(const RunResult& a, const RunResult& b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.gradients.size(); ++i)
    for (std::size_t at = 0; at < a.gradients[i].size(); ++at)
      sum += std::pow(static_cast<double>(a.gradients[i][at]) - static_cast<double>(b.gradients[i][at]), 2);
  return std::sqrt(sum);
}

}  // namespace

TEST_CASE("both rides have the same bits, from the bytes that the Program says, sharded, tied and streamed") {
  const Model model = small_gpt();
  for (const std::int64_t pipeline : {1, 2})
    for (const std::int64_t zero : {0, 1, 2, 3})
      for (const bool streams : {false, true}) {
        if (streams && (zero == 1 || zero == 2)) continue;
        Plan plan = short_plan(2, pipeline, 3);
        plan.zero = zero;
        plan.offload_weights = plan.offload_optimizer = streams;
        plan.bucket = Bytes{2'000};
        INFO(pipeline << " stages, zero " << zero << (streams ? ", streamed" : ""));

        const RunResult threads = run(run_on_threads, plan, model), alone = run(run_on_one_thread, plan, model);

        CHECK(threads.losses == alone.losses);
        CHECK(threads.weights == alone.weights);
        CHECK(threads.gradients == alone.gradients);
        const auto peaks = script_peaks(lowered(plan, model));
        for (std::size_t worker = 0; worker < peaks.size(); ++worker)
          CHECK(threads.timelines[0].peaks[worker] == peaks[worker]);
        Plan whole = plan;
        whole.zero = 0;
        whole.offload_weights = whole.offload_optimizer = false;
        // Stages 2 and 3 sum over replicas before micro-batches, so round otherwise.
        if (zero <= 1) CHECK(run(run_on_one_thread, whole, model).weights == alone.weights);
      }
}

TEST_CASE("the sum of many micro-batches' gradients is nearer to that of floats than where each sum is rounded") {
  const Model model = small_mlp();
  Plan plan = short_plan(1, 1, 1'024);

  const RunResult held_in_float = run(run_on_one_thread, plan, model, 1);
  plan.float_gradients = false;
  const RunResult rounded = run(run_on_one_thread, plan, model, 1);
  plan.precision = ElementType::float32;
  const RunResult floats = run(run_on_one_thread, plan, model, 1);

  CHECK(apart(held_in_float, floats) < apart(rounded, floats) / 2);
}
