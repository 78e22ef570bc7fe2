// The optimizer on the host's cores for real: what leaves is updated in the host's arena and comes back, and no bit changes.

#include "base/random.hpp"
#include "tests/exec/same_training.hpp"

using namespace tandem;

TEST_CASE("weights updated on the host have the bits of those updated on the device, in the memory of the script") {
  const Model small[] = {small_mlp(), small_gpt()};
  for (const Model& model : small)
    for (const ElementType precision : {ElementType::float32, ElementType::bfloat16})
      for (const OptimizerKind optimizer : {OptimizerKind::sgd, OptimizerKind::adam})
        for (const std::size_t ranks : {1, 2}) {
          INFO(model.name() << ", " << precision_name(precision) << ", adam " << (optimizer == OptimizerKind::adam)
                            << ", " << ranks << " ranks");
          const Model stored = model.stored_as(precision);
          const Dataset dataset = small_data(stored);
          Plan plan = plan_of(ranks);
          plan.precision = precision;
          plan.optimizer.kind = optimizer;
          const RunResult on_device = trained(plan, stored, dataset);
          plan.update_on = UpdateOn::host;
          for (const bool streams : {false, true}) {
            plan.offload_weights = streams;
            require_same_training(plan, on_device, stored, dataset);
          }
        }
}

TEST_CASE("drawn plans that update on the host keep the bits, and the memory of the script") {
  const Model model = small_gpt();
  const Dataset dataset = small_data(model);
  std::uint64_t drawn = 0;
  const auto below = [&drawn](std::uint64_t bound) { return below_at(13, stream_of("host updates"), drawn++, bound); };
  const auto draw = [&](std::vector<std::string> names) { return names[below(names.size())]; };
  for (int round = 0; round < 40; ++round) {
    Plan plan = plan_of(std::size_t{1} << below(3),
                        draw({"gpipe", "1f1b", "zb-h1", "sequential", "gpipe-reversed"}));
    plan.optimizer.kind = below(2) == 0 ? OptimizerKind::adam : OptimizerKind::sgd;
    const RunResult on_device = trained(plan, model, dataset);
    plan.update_on = UpdateOn::host;
    plan.recompute = draw({"none", "full", "every:3", "selective"});
    plan.offload = draw({"none", "all", "stage"});
    plan.offload_weights = below(2) == 0;
    plan.offload_staging = static_cast<std::int64_t>(below(3));
    plan.offload_prefetch = static_cast<std::int64_t>(below(4));
    plan.overlap = below(4) > 0;
    plan.bucket = Bytes{std::int64_t{500} << below(6)};
    INFO("seed 13, round " << round << ": " << plan.pipeline << " ranks, " << plan.schedule << ", recompute "
                           << plan.recompute << ", offload " << plan.offload << ", weights " << plan.offload_weights
                           << ", bucket " << plan.bucket.count << ", staging " << plan.offload_staging << ", prefetch "
                           << plan.offload_prefetch << ", overlap " << plan.overlap);

    require_same_training(plan, on_device, model, dataset);
  }
}

TEST_CASE("updates on the host go with several stages on a rank, and with several copies of a stage") {
  const Model model = small_gpt();
  const Dataset dataset = small_data(model);
  for (const std::string schedule : {"zb-v", "interleaved-1f1b", "chimera"})
    for (const std::string offload : {"none", "all"}) {
      INFO(schedule << ", offload " << offload);
      Plan plan = plan_of(2, schedule);
      const RunResult on_device = trained(plan, model, dataset);
      plan.update_on = UpdateOn::host;
      plan.offload = offload;

      require_same_training(plan, on_device, model, dataset);
    }
}

TEST_CASE("one thread updates on the host, too") {
  const Model model = small_mlp();
  const Dataset dataset = small_data(model);
  Plan plan = plan_of(2);
  plan.update_on = UpdateOn::host;
  const Program program = lowered(plan, model);

  const RunResult threads = run_on_threads(program, model, dataset, {.iterations = 2});
  const RunResult one = run_on_one_thread(program, model, dataset, {.iterations = 2});

  CHECK(threads.losses == one.losses);
  CHECK(same_bits(threads.weights, one.weights));
  CHECK(one.timelines.back().peaks == script_peaks(program));
}
