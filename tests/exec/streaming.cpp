// Streaming weights for real: they come from the host's arena and go back, and no bit changes.

#include "base/random.hpp"
#include "tests/exec/same_training.hpp"

using namespace tandem;

TEST_CASE("streamed weights train to the bits of weights that stay, in the memory of the script") {
  for (const Model& model : {small_mlp(), small_gpt()})
    for (const std::size_t ranks : {1, 2, 4}) {
      const Dataset dataset = small_data(model);
      Plan plan = plan_of(ranks);
      const RunResult plain = trained(plan, model, dataset);
      plan.offload_weights = true;
      for (const bool optimizer : {false, true})
        for (const std::int64_t prefetch : {0, 1, 3}) {
          INFO(model.name() << ", " << ranks << " ranks, optimizer " << optimizer << ", prefetch " << prefetch);
          plan.offload_optimizer = optimizer;
          plan.offload_prefetch = prefetch;
          require_same_training(plan, plain, model, dataset);
        }
    }
}

TEST_CASE("drawn plans that stream keep the bits, and the memory of the script") {
  const Model model = small_gpt();
  const Dataset dataset = small_data(model);
  std::uint64_t drawn = 0;
  const auto below = [&drawn](std::uint64_t bound) { return below_at(11, stream_of("streaming"), drawn++, bound); };
  const auto draw = [&](std::vector<std::string> names) { return names[below(names.size())]; };
  for (int round = 0; round < 40; ++round) {
    Plan plan = plan_of(std::size_t{1} << below(3),
                        draw({"gpipe", "1f1b", "zb-h1", "sequential", "gpipe-reversed"}));
    plan.optimizer.kind = below(2) == 0 ? OptimizerKind::adam : OptimizerKind::sgd;
    const RunResult plain = trained(plan, model, dataset);
    plan.recompute = draw({"none", "full", "every:3", "selective"});
    plan.offload = draw({"none", "all", "stage"});
    plan.offload_weights = true;
    plan.offload_optimizer = below(2) == 0;
    plan.offload_staging = static_cast<std::int64_t>(below(3));
    plan.offload_prefetch = static_cast<std::int64_t>(below(4));
    plan.bucket = Bytes{std::int64_t{500} << below(6)};
    INFO("seed 11, round " << round << ": " << plan.pipeline << " ranks, " << plan.schedule << ", recompute "
                           << plan.recompute << ", offload " << plan.offload << ", bucket " << plan.bucket.count
                           << ", staging " << plan.offload_staging << ", prefetch " << plan.offload_prefetch);

    require_same_training(plan, plain, model, dataset);
  }
}

TEST_CASE("streamed versions of the weights train to the bits of those that stay") {
  const Model model = small_gpt();
  const Dataset dataset = small_data(model);
  for (const std::string schedule : {"pipedream", "pipedream-vertical-sync", "pipedream-2bw"})
    for (const std::size_t ranks : {2, 4}) {
      INFO(schedule << ", " << ranks << " ranks");
      Plan plan = plan_of(ranks, schedule);
      plan.micro_batches = 8;
      const RunResult plain = trained(plan, model, dataset);
      plan.offload_weights = true;
      plan.offload_optimizer = ranks == 2;
      require_same_training(plan, plain, model, dataset);
    }
}

TEST_CASE("I without W has its weights where what it needs is computed again, too") {
  const Model model = small_gpt();
  const Dataset dataset = small_data(model);
  for (const std::size_t ranks : {1, 2})
    for (const std::string recompute : {"sqrt", "every:2", "full"}) {
      INFO(ranks << " ranks, " << recompute);
      Plan plan = plan_of(ranks, "zb-h1");
      plan.recompute = recompute;
      const RunResult plain = trained(plan, model, dataset);
      plan.offload_weights = true;
      require_same_training(plan, plain, model, dataset);
    }
}

TEST_CASE("streaming goes with several stages on a rank") {
  const Model model = small_gpt();
  const Dataset dataset = small_data(model);
  for (const std::string schedule : {"zb-v", "interleaved-1f1b"}) {
    INFO(schedule);
    Plan plan = plan_of(2, schedule);
    const RunResult plain = trained(plan, model, dataset);
    plan.offload_weights = plan.offload_optimizer = true;

    require_same_training(plan, plain, model, dataset);
  }
}

TEST_CASE("a model whose weights, gradients and states exceed the budget trains streamed, to the same losses") {
  const Model model = small_mlp();
  const Dataset dataset = small_data(model);
  Plan plan = plan_of(1);
  const RunResult plain = trained(plan, model, dataset);
  const Bytes budget = Bytes{16} * model.parameter_count() - Bytes{1};  // 4 of weights, 4 of gradients, 8 of states
  const auto refusal = message_from<ResourceError>(
      [&] { run_on_threads(lowered(plan, model), model, dataset, {.device_memory = budget}); });
  plan.offload_weights = plan.offload_optimizer = true;
  plan.offload_prefetch = 0;
  plan.bucket = Bytes{1};

  const RunResult streamed =
      run_on_threads(lowered(plan, model), model, dataset, {.iterations = 3, .device_memory = budget});

  CHECK_THAT(refusal, Catch::Contains("bytes more"));
  CHECK(streamed.losses == plain.losses);
}

TEST_CASE("one thread runs a streaming plan, too") {
  const Model model = small_mlp();
  const Dataset dataset = small_data(model);
  Plan plan = plan_of(2);
  plan.offload_weights = plan.offload_optimizer = true;
  const Program program = lowered(plan, model);

  const RunResult threads = run_on_threads(program, model, dataset, {.iterations = 2});
  const RunResult one = run_on_one_thread(program, model, dataset, {.iterations = 2});

  CHECK(threads.losses == one.losses);
  CHECK(same_bits(threads.weights, one.weights));
  CHECK(one.timelines.back().peaks == script_peaks(program));
}
