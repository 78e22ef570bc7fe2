// Stages on devices of different kinds, and the split that is chosen for them.

#include "base/error.hpp"
#include "plan/memory_script.hpp"
#include "plan/prices.hpp"
#include "sim/simulate.hpp"
#include "tests/catch.hpp"
#include "tools/check.hpp"
#include "tools/job.hpp"

using namespace tandem;

namespace {

/// The CPU, both chips of the K80 board and both IPUs, one stage each.
Plan mixed_plan() {
  Plan plan;
  plan.model = "gpt-nano";
  plan.cluster = "mixed-xeon-k80-ipu";
  plan.pipeline = 5;
  return plan;
}

Job job_on(const Plan& plan, Cluster cluster) { return make_job(plan, std::move(cluster), cost_model("roofline")); }

Picoseconds makespan_of(const Job& job) {
  return simulate(job.program, price(job.program, *job.model, job.cluster, cost_model("roofline"), job.plan.optimizer))
      .makespan();
}

}  // namespace

TEST_CASE("one plan spans a CPU, two GPUs and two IPUs, and its stages fit them") {
  const Job job = job_on(mixed_plan(), load_cluster("mixed-xeon-k80-ipu"));

  require_memory(job);
  CHECK(job.cuts.size() == 4);
  CHECK(job.cluster.device(job.devices[0]).kind == DeviceKind::cpu);
  CHECK(job.cluster.device(job.devices[2]).kind == DeviceKind::gpu);
  CHECK(job.cluster.device(job.devices[4]).kind == DeviceKind::ipu);
  CHECK(makespan_of(job) > Picoseconds{0});
}

TEST_CASE("renaming the devices of a mixed cluster changes nothing") {
  const Job job = job_on(mixed_plan(), load_cluster("mixed-xeon-k80-ipu"));
  Cluster renamed = load_cluster("mixed-xeon-k80-ipu");
  for (Device& device : renamed.profiles) device.name += " by another name";

  const Job other = job_on(mixed_plan(), std::move(renamed));

  CHECK(other.cuts == job.cuts);
  CHECK(makespan_of(other) == makespan_of(job));
}

TEST_CASE("a device with less memory gets fewer layers, until what is left fits") {
  Cluster small = load_cluster("mixed-xeon-k80-ipu");
  const Job roomy = job_on(mixed_plan(), small);
  const std::vector<MemoryPeak> peaks = script_peaks(roomy.program);
  for (Device& device : small.profiles)
    if (device.kind == DeviceKind::ipu) device.memory = Bytes{peaks[3].total.count / 2};

  const Job tight = job_on(mixed_plan(), small);

  CHECK(script_peaks(tight.program)[3].total < peaks[3].total);
}

TEST_CASE("where a model does not fit the stage is named with the bytes that it lacks") {
  Cluster small = load_cluster("mixed-xeon-k80-ipu");
  for (Device& device : small.profiles) device.memory = Bytes{1'000'000};
  const Job job = job_on(mixed_plan(), small);

  try {
    require_memory(job);
    FAIL("a stage of a million bytes holds nothing");
  } catch (const NoAnswer& answer) {
    const std::string text = answer.what();
    CHECK(text.find("does not fit: stage ") != std::string::npos);
    CHECK(text.find(" bytes more than its ") != std::string::npos);
  }
}

TEST_CASE("the best layouts run as predicted, in order, bytes and bits") {
  for (const char* model : {"gpt-nano", "llama-nano", "vgg-nano"}) {
    INFO(model);
    Plan plan;
    plan.model = model;
    plan.tensor = 2;
    plan.tensor_split = TensorSplit::best;
    plan.micro_batches = 2;
    plan.micro_batch_size = 2;
    CheckOptions options;
    options.rounds = 1;
    options.iterations = 2;
    options.measured = false;

    const CheckResult result = run_check(plan, load_cluster("dgx-a100"), options);

    CHECK(result.agrees);
    CHECK(result.job.plan.tensor_split != TensorSplit::best);
    CHECK_FALSE(result.job.plan.layouts.empty());
  }
}
