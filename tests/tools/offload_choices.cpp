// The policies of offloading and the algorithms of convolutions, tried in the simulator: memory against time.

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
  REQUIRE(trials.size() == 8);  // none, convolutions, all, stage: by panels, and then by the fastest algorithms
  CHECK(trials[0].iteration < trials[1].iteration);
  CHECK(trials[1].iteration < trials[2].iteration);
  CHECK(trials[0].device > trials[1].device);
  CHECK(trials[1].device > trials[2].device);
  CHECK(trials[0].host == Bytes{0});
  CHECK(trials[1].host < trials[2].host);
  for (std::size_t i = 0; i < 4; ++i) {
    CHECK(trials[i].policy.convolutions.empty());
    CHECK(trials[i + 4].policy.convolutions.size() > 0);
    CHECK(trials[i + 4].policy.offload == trials[i].policy.offload);
    CHECK(trials[i + 4].device > trials[i].device);      // all tiles of the largest layers at once
    CHECK(trials[i + 4].iteration < trials[i].iteration);
    CHECK_FALSE(trials[i + 4].fits);
  }
}

TEST_CASE("dynamic offloading is the fastest of what was tried that fits, and no slower than all") {
  const Job dynamic = job_of(vgg("dynamic", 1));
  Job all = job_of(vgg("all", 0));

  const OffloadTrial chosen = try_offload(
      all, {dynamic.plan.offload, dynamic.plan.offload_prefetch, dynamic.plan.convolutions}, CostModel(false));
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

TEST_CASE("dynamic mixes algorithms with offloading, and is faster for it than offloading alone") {
  Plan by_panels = vgg("dynamic", 1);
  by_panels.convolution_algorithm = "panels";
  Job mixed = job_of(vgg("dynamic", 1)), plain = job_of(by_panels);

  const auto time = [](Job& job) {
    return try_offload(job, {job.plan.offload, job.plan.offload_prefetch, job.plan.convolutions}, CostModel(false)).iteration;
  };
  const auto& chosen = mixed.plan.convolutions;
  CHECK(chosen.size() > 0);
  CHECK(chosen.size() < 11);  // the first convolutions' tiles do not fit
  CHECK(plain.plan.convolutions.empty());
  CHECK(fits(mixed));
  CHECK(time(mixed) < time(plain));
}

TEST_CASE("dynamic takes the fastest algorithms first, where they fit") {
  Plan plan = vgg("dynamic", 1);
  plan.micro_batch_size = 16;

  const Job job = job_of(plan);

  CHECK(job.plan.offload == "none");
  // all 13 but conv1_1 and conv1_2, of which 240 GB/s move the tiles no faster than 4.4 TFLOP/s multiply the windows
  CHECK(job.plan.convolutions.size() == 11);
}

TEST_CASE("dynamic leaves the algorithms that a plan names") {
  Plan plan = vgg("dynamic", 1);
  plan.convolutions = {{"conv5_1", "winograd"}};

  CHECK(job_of(plan).plan.convolutions == plan.convolutions);
}

TEST_CASE("a device that has no way to its host is refused by name") {
  Job job = job_of(vgg("all", 0));
  job.cluster = load_cluster("google-tpu-v4");

  CHECK_THROWS_WITH(try_offload(job, {"all", 0}, CostModel(false)), Catch::Contains("google-tpu-v4"));
}
