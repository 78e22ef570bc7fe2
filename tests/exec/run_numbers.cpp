// The numbers of a run: equal bits on threads and on one thread, under every schedule and partition.

#include <algorithm>
#include <bit>
#include <cmath>

#include "exec/whole_model.hpp"
#include "plan/schedule.hpp"
#include "tests/catch.hpp"
#include "tests/exec/same_training.hpp"

using namespace tandem;

namespace {

/// Largest difference of a tensor's values relative to its largest value.
double relative_error(const std::vector<std::vector<float>>& got, const std::vector<std::vector<double>>& want) {
  double worst = 0;
  for (std::size_t i = 0; i < want.size(); ++i) {
    double scale = 0, error = got[i].size() == want[i].size() ? 0 : INFINITY;
    for (std::size_t k = 0; k < want[i].size() && k < got[i].size(); ++k) {
      scale = std::max(scale, std::abs(want[i][k]));
      error = std::max(error, std::abs(static_cast<double>(got[i][k]) - want[i][k]));
    }
    if (error > 0) worst = std::max(worst, error / scale);
  }
  return worst;
}

RunOptions three_iterations(const Job& job) {
  RunOptions options;
  options.iterations = 3;
  options.optimizer = job.optimizer;
  return options;
}

template <class Check>
void for_every_job(Check check) {
  for (const Model& model : {small_mlp(), small_gpt()})
    for (const std::size_t ranks : {1, 2, 4, 8})
      for (const std::string& schedule : suitable_schedules(ranks, 8, 8)) {
        INFO(model.name() << ", " << schedule << ", " << ranks << " ranks");
        check(model, Job{.schedule = schedule, .ranks = ranks, .micro_batches = 8});
      }
}

}  // namespace

TEST_CASE("threads compute the same bits as one thread") {
  for_every_job([](const Model& model, const Job& job) {
    const Dataset dataset = small_data(model);
    const Program program = program_of(model, job);

    const RunResult threaded = run_on_threads(program, model, dataset, three_iterations(job));
    const RunResult single = run_on_one_thread(program, model, dataset, three_iterations(job));

    CHECK(threaded.losses.size() == 3);
    CHECK(same_bits(threaded.losses, single.losses));
    CHECK(same_bits(threaded.weights, single.weights));
    CHECK(same_bits(threaded.gradients, single.gradients));
    CHECK(single.thread_count == 1);
  });
}

TEST_CASE("every synchronous schedule and partition computes the same bits") {
  for (const Model& model : {small_mlp(), small_gpt()}) {
    const Dataset dataset = small_data(model);
    const Job plain{.schedule = "sequential", .ranks = 1, .micro_batches = 8};
    const RunResult want = run_on_one_thread(program_of(model, plain), model, dataset, three_iterations(plain));

    for (const std::size_t ranks : {1, 2, 4, 8})
      for (const std::string& schedule : suitable_schedules(ranks, 8, 8)) {
        if (!adds_in_order(schedule, ranks, 8)) continue;
        INFO(model.name() << ", " << schedule << ", " << ranks << " ranks");
        const Job job{.schedule = schedule, .ranks = ranks, .micro_batches = 8};
        const RunResult got = run_on_threads(program_of(model, job), model, dataset, three_iterations(job));

        CHECK(same_bits(got.losses, want.losses));
        CHECK(same_bits(got.weights, want.weights));
        CHECK(same_bits(got.gradients, want.gradients));
      }
  }
}

TEST_CASE("repeated runs compute the same bits") {
  const Model model = small_gpt();
  const Dataset dataset = small_data(model);
  const Job job{.ranks = 4};
  const Program program = program_of(model, job);
  const RunResult first = run_on_threads(program, model, dataset, three_iterations(job));

  for (int repeat = 0; repeat < 10; ++repeat) {
    const RunResult again = run_on_threads(program, model, dataset, three_iterations(job));

    CHECK(same_bits(again.losses, first.losses));
    CHECK(same_bits(again.weights, first.weights));
  }
}

TEST_CASE("a run agrees with the unpartitioned model trained in double") {
  for (const OptimizerKind kind : {OptimizerKind::sgd, OptimizerKind::adam})
    for (const Model& model : {small_mlp(), small_gpt()})
      for (const std::size_t ranks : {1, 4}) {
        INFO(model.name() << ", " << ranks << " ranks");
        const Dataset dataset = small_data(model);
        Job job{.ranks = ranks};
        job.optimizer.kind = kind;

        const RunResult got = run_on_threads(program_of(model, job), model, dataset, three_iterations(job));
        const WholeModelResult want =
            train_whole_model(model, dataset, job.optimizer, 3, job.micro_batches, job.micro_batch_size, 1);

        for (std::size_t i = 0; i < 3; ++i) CHECK(got.losses[i] == Approx(want.losses[i]).epsilon(1e-5));
        CHECK(relative_error(got.gradients, want.gradients) < 1e-4);
        CHECK(relative_error(got.weights, want.weights) < 1e-3);
      }
}

TEST_CASE("the loss of an iteration falls as the model learns") {
  const Model model = small_gpt();
  const Dataset dataset = small_data(model);
  Job job{.ranks = 2};
  job.optimizer.learning_rate = 1e-2;
  RunOptions options = three_iterations(job);
  options.iterations = 60;
  std::vector<float> reported;
  options.after_iteration = [&](std::int64_t iteration, float loss) {
    if (iteration == static_cast<std::int64_t>(reported.size())) reported.push_back(loss);
  };

  const RunResult result = run_on_threads(program_of(model, job), model, dataset, options);

  CHECK(result.losses.front() == Approx(std::log(256.0)).margin(0.1));  // 256 bytes, all about as likely at first
  CHECK(result.losses.back() < 3.0f);
  CHECK(reported == result.losses);
}

TEST_CASE("a run without iterations returns the initial weights") {
  const Model model = small_mlp();
  const Dataset dataset = small_data(model);

  const RunResult result = run_on_threads(program_of(model, {}), model, dataset, {.iterations = 0, .seed = 5});

  CHECK(result.losses.empty());
  CHECK(result.timelines.empty());
  CHECK(result.weights[0][3] == initial_value(model, ParameterId{0}, 5, 3));
}
