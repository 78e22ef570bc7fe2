// Recomputation on threads: the same bits as without, from exactly the memory that the Program says.

#include "plan/memory_script.hpp"
#include "tests/catch.hpp"
#include "tests/exec/run_scenario.hpp"

using namespace tandem;

namespace {

const char* const kPolicies[] = {"full", "every:1", "every:3", "sqrt", "block", "selective", "optimal:1 GB"};

/// Masks of dropout between the layers: counted, so the same again.
Model dropping_mlp() {
  const auto linear = [](const std::string& name, double features) {
    return LayerDefinition{.name = name, .kind = "linear", .attributes = {{"features", features}, {"deviation", 0.2}}};
  };
  return Model("dropping-mlp", {{.name = "x", .kind = "values", .attributes = {{"features", 12}}},
                                {.name = "targets", .kind = "target_values", .attributes = {{"features", 4}}},
                                {.name = "a", .kind = "linear", .attributes = {{"features", 24}}, .inputs = {"x"}},
                                {.name = "a.drop", .kind = "dropout", .attributes = {{"probability", 0.3}}},
                                {.name = "a.gelu", .kind = "gelu"},
                                linear("b", 24),
                                {.name = "b.drop", .kind = "dropout", .attributes = {{"probability", 0.3}}},
                                {.name = "b.norm", .kind = "layer_norm"},
                                linear("c", 16),
                                {.name = "c.relu", .kind = "relu"},
                                linear("y", 4),
                                {.name = "loss", .kind = "mean_squared_error", .inputs = {"y", "targets"}}});
}

Program lowered(const Model& model, const std::string& recompute, const std::string& schedule, std::size_t ranks,
                std::int64_t micro_batches = 3) {
  Plan plan;
  plan.schedule = schedule;
  plan.pipeline = static_cast<std::int64_t>(ranks);
  plan.micro_batches = micro_batches;
  plan.micro_batch_size = 2;
  plan.recompute = recompute;
  std::vector<DeviceId> devices;
  for (std::uint32_t i = 0; i < ranks; ++i) devices.push_back(static_cast<DeviceId>(i));
  return lower(plan, model, even_cuts(model, ranks), devices);
}

void check_same(const RunResult& result, const RunResult& want, const Program& program) {
  CHECK(result.losses == want.losses);
  CHECK(result.weights == want.weights);
  CHECK(result.gradients == want.gradients);
  const std::vector<MemoryPeak> peaks = script_peaks(program);
  for (const Timeline& timeline : result.timelines)
    for (std::size_t worker = 0; worker < peaks.size(); ++worker) CHECK(timeline.peaks[worker] == peaks[worker]);
}

std::int64_t steps_again(const Program& program) {
  const auto steps = program.steps();
  return std::count_if(steps.begin(), steps.end(), [](const Step& step) { return step.kind == StepKind::recompute; });
}

}  // namespace

TEST_CASE("every policy gives the same losses, gradients and weights, and peaks to the byte") {
  for (const Model& model : {small_mlp(), small_gpt(), dropping_mlp()}) {
    const Dataset dataset = small_data(model);
    for (const std::size_t ranks : {1, 2, 4})
      for (const std::string schedule : {"1f1b", "gpipe"}) {
        const RunResult plain =
            run_on_one_thread(lowered(model, "none", schedule, ranks), model, dataset, {.iterations = 2});
        for (const std::string policy : kPolicies) {
          INFO(model.name() << ", " << schedule << ", " << ranks << " ranks, " << policy);
          const Program program = lowered(model, policy, schedule, ranks);

          check_same(run_on_threads(program, model, dataset, {.iterations = 2}), plain, program);
          check_same(run_on_one_thread(program, model, dataset, {.iterations = 2}), plain, program);
        }
      }
  }
}

TEST_CASE("models of the zoo train alike with recomputation, batch statistics, pools and attention among it") {
  for (const std::string name : {"mlp", "gpt-nano", "vgg-nano", "resnet-nano"}) {
    const Model model = load_model(name);
    const Dataset dataset = small_data(model);
    const RunResult plain = run_on_one_thread(lowered(model, "none", "1f1b", 2, 2), model, dataset, {});
    for (const std::string policy : {"full", "every:2", "block"}) {
      INFO(name << ", " << policy);
      const Program program = lowered(model, policy, "1f1b", 2, 2);

      check_same(run_on_threads(program, model, dataset, {}), plain, program);
      const bool keeps_no_more = name == "mlp" && policy == "block";  // a block's one kept value is the next one's input
      CHECK((steps_again(program) == 0) == keeps_no_more);
    }
  }
}

TEST_CASE("backward in halves computes again what its first half needs, and keeps the rest for the second") {
  const Model model = small_gpt();
  const Dataset dataset = small_data(model);
  const RunResult plain = run_on_one_thread(lowered(model, "none", "1f1b", 2, 4), model, dataset, {.iterations = 2});
  for (const std::string policy : {"none", "full", "block", "selective"}) {
    INFO(policy);
    const Program program = lowered(model, policy, "zb-h1", 2, 4);

    check_same(run_on_threads(program, model, dataset, {.iterations = 2}), plain, program);
  }
}

TEST_CASE("full recomputation needs less memory than none where micro-batches wait for their backward") {
  const Model model = small_gpt();

  const auto peaks = script_peaks(lowered(model, "none", "gpipe", 2, 8));
  const auto with = script_peaks(lowered(model, "full", "gpipe", 2, 8));

  for (std::size_t worker = 0; worker < peaks.size(); ++worker) CHECK(with[worker].total < peaks[worker].total);
}
