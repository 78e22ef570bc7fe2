// Runs of models that are stored in bfloat16: the same bits however they are divided, and they learn.

#include <algorithm>
#include <bit>
#include <cmath>

#include "exec/stored_values.hpp"
#include "tests/catch.hpp"
#include "tests/exec/same_training.hpp"

using namespace tandem;

namespace {

constexpr auto kShort = ElementType::bfloat16;

bool same_numbers(const RunResult& a, const RunResult& b) {
  bool same = same_bits(a.losses, b.losses);
  for (std::size_t i = 0; i < a.weights.size(); ++i)
    same = same && same_bits(a.weights[i], b.weights[i]) && same_bits(a.gradients[i], b.gradients[i]);
  return same;
}

RunOptions iterations(std::int64_t count) {
  RunOptions options;
  options.iterations = count;
  return options;
}

float mean_of_last_ten(const std::vector<float>& losses) {
  float sum = 0;
  for (std::size_t i = losses.size() - 10; i < losses.size(); ++i) sum += losses[i] / 10;
  return sum;
}

}  // namespace

TEST_CASE("every partition and synchronous schedule stores the same bfloat16 bits, on threads and on one") {
  for (const Model& model : {small_mlp().stored_as(kShort), small_gpt().stored_as(kShort)}) {
    const Dataset dataset = small_data(model);
    const Job plain{.schedule = "sequential", .ranks = 1, .micro_batches = 8};
    const RunResult want = run_on_one_thread(program_of(model, plain), model, dataset, iterations(3));

    for (const std::size_t ranks : {1, 2, 4})
      for (const std::string& schedule : suitable_schedules(ranks, 8, 8)) {
        if (!adds_in_order(schedule, ranks, 8)) continue;
        INFO(model.name() << ", " << schedule << ", " << ranks << " ranks");
        const Job job{.schedule = schedule, .ranks = ranks, .micro_batches = 8};

        CHECK(same_numbers(run_on_threads(program_of(model, job), model, dataset, iterations(3)), want));
      }
  }
}

TEST_CASE("weights are read as they are stored, and the master copy keeps what rounding takes away") {
  // One step of plain descent is smaller than the distance between two stored weights; hundreds of them are not.
  const Model model = small_mlp().stored_as(kShort);
  const Dataset dataset = small_data(model);
  Job job{.ranks = 2};
  job.optimizer = {.kind = OptimizerKind::sgd, .learning_rate = 1e-5};
  RunOptions once = iterations(1), often = iterations(400);
  once.optimizer = often.optimizer = job.optimizer;

  const Program program = program_of(model, job);
  const RunResult first = run_on_one_thread(program, model, dataset, once);
  const RunResult last = run_on_one_thread(program, model, dataset, often);

  std::int64_t stored = 0, moved_once = 0, moved_often = 0;
  for (std::uint32_t i = 0; i < first.weights.size(); ++i)
    for (std::size_t k = 0; k < first.weights[i].size(); ++k) {
      if (model.parameters()[i].name.ends_with("bias")) continue;  // zero at first, so that any step shows
      const float start = initial_value(model, static_cast<ParameterId>(i), 1, static_cast<std::int64_t>(k));
      stored += widened(rounded(first.weights[i][k])) == first.weights[i][k];
      moved_once += first.weights[i][k] != widened(rounded(start));
      moved_often += last.weights[i][k] != widened(rounded(start));
    }
  CHECK(stored == 12 * 32 + 32 * 32 + 32 * 16 + 16 * 4);
  CHECK(moved_once < stored / 20);
  CHECK(moved_often > 5 * moved_once);
}

TEST_CASE("the loss of a transformer falls in bfloat16 as it does in float") {
  RunOptions options = iterations(60);
  options.optimizer.learning_rate = 1e-2;
  const auto losses = [&](const Model& model) {
    const Dataset dataset = small_data(model);
    return run_on_one_thread(program_of(model, {.ranks = 1}), model, dataset, options).losses;
  };

  const std::vector<float> wide = losses(small_gpt()), half = losses(small_gpt().stored_as(kShort));

  CHECK(wide.front() - mean_of_last_ten(wide) > 2);  // from log 256 = 5.5
  CHECK(std::abs(mean_of_last_ten(half) - mean_of_last_ten(wide)) < 0.1f * mean_of_last_ten(wide));
  CHECK(half.back() != wide.back());
}

TEST_CASE("a dropout that keeps its mask computes what one computes that makes it again") {
  const auto model = [](double stores_mask) {
    return Model("dropped", {{.name = "x", .kind = "values", .attributes = {{"features", 12}}},
                             {.name = "targets", .kind = "target_values", .attributes = {{"features", 4}}},
                             {.name = "a", .kind = "linear", .attributes = {{"features", 32}}, .inputs = {"x"}},
                             {.name = "drop", .kind = "dropout", .attributes = {{"stores_mask", stores_mask}}},
                             {.name = "y", .kind = "linear", .attributes = {{"features", 4}}},
                             {.name = "loss", .kind = "mean_squared_error", .inputs = {"y", "targets"}}});
  };
  const ElementType stored = GENERATE(ElementType::float32, ElementType::bfloat16);
  const auto trained = [&](double stores_mask) {
    const Model own = model(stores_mask).stored_as(stored);
    const Dataset dataset = small_data(own);
    return run_on_one_thread(program_of(own, {.ranks = 1}), own, dataset, iterations(3));
  };

  CHECK(same_numbers(trained(1), trained(0)));
}
