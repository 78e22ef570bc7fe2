// The main claim, over the whole grid: what is predicted is what runs.
#include <algorithm>

#include "base/yaml.hpp"
#include "exec/run.hpp"
#include "tests/catch.hpp"
#include "tests/source_dir.hpp"
#include "tests/tools/mesh_scene.hpp"
#include "tools/check.hpp"

using namespace tandem;

namespace {

Plan plan_of(const std::string& model, std::int64_t pp, const std::string& schedule) {
  Plan plan;
  plan.model = model;
  plan.pipeline = pp;
  plan.schedule = schedule;
  plan.micro_batches = 4;
  plan.micro_batch_size = 2;
  return plan;
}

CheckOptions quick() {
  CheckOptions options;
  options.rounds = 1;
  options.iterations = 2;
  options.measured = false;
  return options;
}

/// Losses of all checks of one model; equal bits compare equal.
void check_grid_of(const std::string& model) {
  std::vector<float> losses;
  for (const std::int64_t pp : {1, 2, 4, 8})
    for (const char* schedule : {"sequential", "gpipe", "1f1b"}) {
      const CheckResult result = run_check(plan_of(model, pp, schedule), made_up_host(), quick());

      INFO(model << " pp " << pp << " " << schedule);
      CHECK(result.agrees);
      CHECK(result.comparison.order.identical);
      CHECK(result.comparison.edges.violated == 0);
      CHECK(result.comparison.memory.identical);
      for (const WorkerMemory& worker : result.comparison.memory.workers) {
        CHECK(worker.predicted.by_class == worker.measured.by_class);
        CHECK(worker.measured.total.count > 0);
      }
      CHECK(result.numbers.bit_identical);
      CHECK(result.numbers.max_relative_error > 0);
      CHECK(result.numbers.max_relative_error < 1e-4);
      if (losses.empty()) losses = result.numbers.losses;
      REQUIRE(result.numbers.losses.size() == 2);
      CHECK(result.numbers.losses == losses);
    }
}

}  // namespace

TEST_CASE("an mlp agrees in order, bytes and bits on 1 to 8 stages under every schedule, with the same losses") {
  check_grid_of("mlp");
}

TEST_CASE("gpt-nano agrees in order, bytes and bits on 1 to 8 stages under every schedule, with the same losses") {
  check_grid_of("gpt-nano");
}

TEST_CASE("gpt-nano learns a text, by the same curve on 1, 2, 4 and 8 stages") {
  std::vector<float> curve;
  for (const std::int64_t pp : {1, 2, 4, 8}) {
    Plan plan = plan_of("gpt-nano", pp, "1f1b");
    plan.micro_batches = 2;
    plan.micro_batch_size = 4;
    const Job job = make_job(plan, made_up_host(), CostModel());
    const std::string words = read_text(source_dir() + "/tests/golden/learning_text.txt", Bytes{100'000});
    const Dataset text(*job.model, words, plan.seed);
    RunOptions options;
    options.iterations = 240;

    const std::vector<float> losses = run_on_threads(job.program, *job.model, text, options).losses;

    if (curve.empty()) curve = losses;
    CHECK(losses == curve);
  }
  CHECK(curve.front() == Approx(5.545).margin(0.15));  // log 256: nothing is known yet
  CHECK(*std::min_element(curve.end() - 20, curve.end()) < 3.2f);
}
