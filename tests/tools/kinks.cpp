// Where fp32 and double decide a kink otherwise, the check says so in place of disagreeing; a wrong gradient it still finds.

#include <algorithm>
#include <nlohmann/json.hpp>

#include "exec/whole_model.hpp"
#include "tests/catch.hpp"
#include "tests/tools/mesh_scene.hpp"
#include "tests/tools/session.hpp"
#include "tools/check.hpp"

using namespace tandem;

// Of half a million values that a ReLU reads, one or the other lies within rounding of zero.
TEST_CASE("gradients of many images agree with double beside the decisions that rounding turns") {
  const int seed = GENERATE(1, 2, 3);
  const std::string line = "check --model vgg-nano --pp 1 --micro-batches 4 --micro-batch-size 16 --rounds 1 --iterations 1 ";

  const Outcome outcome = typed(line + "--cost roofline --json --seed " + std::to_string(seed));
  const auto numbers = nlohmann::json::parse(outcome.out)["numbers"];

  INFO(outcome.out << outcome.err);
  CHECK(outcome.code == 0);
  CHECK(numbers["unexplained_error"] <= 1e-4);
}

TEST_CASE("turning the decisions within rounding explains less than a missing micro-batch") {
  const Plan plan = mesh_plan("vgg-nano", {}, 8);
  const Job job = make_job(plan, made_up_host(), CostModel(false));
  const Dataset dataset = make_dataset(job);
  const auto train = [&](std::int64_t micro_batches, const std::vector<double>& margins) {
    return train_whole_model(*job.model, dataset, plan.optimizer, 1, micro_batches, plan.micro_batch_size, plan.seed, {},
                             margins);
  };

  const WholeModelResult whole = train(2, {}), turned = train(2, kink_margins(*job.model, plan)), missing = train(1, {});

  double explained = 0, wrong = 0;
  for (std::size_t i = 0; i < whole.gradients.size(); ++i) {
    explained = std::max(explained, relative_error(ElementType::float32, turned.gradients[i], whole.gradients[i]));
    wrong = std::max(wrong, relative_error(ElementType::float32, missing.gradients[i], whole.gradients[i]));
  }
  CHECK(wrong > 10 * explained);
}
