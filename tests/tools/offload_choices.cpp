// The policies of offloading, tried in the simulator: memory against time.

#include <algorithm>

#include "plan/memory_script.hpp"
#include "tests/catch.hpp"
#include "tools/device_memory.hpp"
#include "tools/job.hpp"
#include "tools/offload_choice.hpp"

using namespace tandem;

namespace {

Plan vgg(const std::string& policy, std::int64_t prefetch) {
  Plan plan;
  plan.model = "vgg16";
  plan.cluster = "tesla-k80";
  plan.micro_batches = 1;
  plan.micro_batch_size = 256;
  plan.optimizer.kind = OptimizerKind::sgd;
  plan.offload = policy;
  plan.offload_prefetch = prefetch;
  return plan;
}

Job job_of(const Plan& plan) { return make_job(plan, load_cluster(plan.cluster), CostModel(false)); }

bool fits(const Job& job) {
  const auto needs = device_needs(job);
  return std::ranges::all_of(needs, [](const DeviceNeed& need) { return need.fits(); });
}

}  // namespace

TEST_CASE("VGG-16 with a batch of 256 fits a device of 12 GB with offloading only") {
  Job none = job_of(vgg("none", 0)), all = job_of(vgg("all", 0));

  const auto trials = offload_trials(all, CostModel(false));

  CHECK(all.cluster.device(DeviceId{0}).memory == Bytes{12'000'000'000});
  CHECK_FALSE(fits(none));
  CHECK(fits(all));
  REQUIRE(trials.size() == 4);  // none, convolutions, all, stage
  CHECK(trials[0].iteration < trials[1].iteration);
  CHECK(trials[1].iteration < trials[2].iteration);
  CHECK(trials[0].device > trials[1].device);
  CHECK(trials[1].device > trials[2].device);
  CHECK(trials[0].host == Bytes{0});
  CHECK(trials[1].host < trials[2].host);
}

TEST_CASE("dynamic offloading is the fastest of what was tried that fits, and no slower than all") {
  const Job dynamic = job_of(vgg("dynamic", 1));
  Job all = job_of(vgg("all", 0));

  const OffloadTrial chosen = try_offload(all, {dynamic.plan.offload, dynamic.plan.offload_prefetch}, CostModel(false));
  const OffloadTrial whole = try_offload(all, {"all", 0}, CostModel(false));

  CHECK(chosen.fits);
  CHECK(chosen.iteration <= whole.iteration);
  CHECK(chosen.host <= whole.host);
}

TEST_CASE("dynamic offloading offloads nothing where all fits") {
  Plan plan = vgg("dynamic", 1);
  plan.micro_batch_size = 16;

  CHECK(job_of(plan).plan.offload == "none");
}

TEST_CASE("a device that has no way to its host is refused by name") {
  Job job = job_of(vgg("all", 0));
  job.cluster = load_cluster("google-tpu-v4");

  CHECK_THROWS_WITH(try_offload(job, {"all", 0}, CostModel(false)), Catch::Contains("google-tpu-v4"));
}
