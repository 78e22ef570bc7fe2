#include "tools/memory_advice.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <set>

#include "base/error.hpp"
#include "plan/memory_script.hpp"
#include "tests/catch.hpp"
#include "tests/tools/session.hpp"
#include "timeline/memory_peak.hpp"

using namespace tandem;
using nlohmann::json;
using Catch::Matchers::Contains;
using Catch::Matchers::StartsWith;

namespace {

/// Four devices of so many bytes, joined by a fast link.
std::string four_devices(const TemporaryFolder& folder, std::int64_t bytes) {
  return folder.write(fmt::format("tight{}.yaml", bytes), fmt::format(R"(device: tight
kind: gpu
compute: {{cores: 1, peak_fp32: 1 TFLOP/s, source: made up}}
memory: {{capacity: {} B, bandwidth: 100 GB/s, source: made up}}
link: {{latency: 1 us, bandwidth: 10 GB/s, source: made up}}
)", bytes)) + ":4";
}

struct Advised {
  Job job;
  MemoryAdvice advice;
};

Advised advise(const std::string& model, const std::string& cluster, const std::string& schedule) {
  std::ostringstream out, err;
  Console console{out, err, false, false, false, 80, {}};
  Plan plan;
  plan.model = model;
  plan.cluster = cluster;
  plan.pipeline = 2;
  plan.schedule = schedule;
  Job job = make_job(plan, load_cluster(cluster), CostModel());
  MemoryAdvice advice = advise_memory(job, CostModel(), NetworkMode::shared, console);
  return {std::move(job), std::move(advice)};
}

json simulated(const Job& job, const std::string& schedule, const std::string& flags) {
  std::string line =
      fmt::format("simulate --json --memory --model {} --on {} {}", job.plan.model, job.plan.cluster, flags);
  if (flags.find("--pp") == std::string::npos) line += " --pp 2";
  if (flags.find("--schedule") == std::string::npos) line += " --schedule " + schedule;
  const Outcome outcome = typed(line);
  INFO(outcome.err);
  REQUIRE(outcome.code == 0);
  return json::parse(outcome.out);
}

}  // namespace

TEST_CASE("every change that is named makes the plan fit, in the time and memory that it is named with") {
  const TemporaryFolder folder;
  const auto [job, advice] = advise("gpt-nano", four_devices(folder, 60'000'000), "gpipe");

  REQUIRE(advice.fits.size() == 3);
  for (const TriedPlan& tried : advice.fits) {
    const std::string flags = flags_between(job.plan, tried.plan);
    CAPTURE(tried.change, flags);
    const json result = simulated(job, "gpipe", flags);

    CHECK(result["iteration_s"] == Approx(tried.iteration.value).epsilon(1e-12));
    std::int64_t most = 0;
    for (const json& device : result["memory"]["devices"])
      most = std::max(most, device["needed_bytes"].get<std::int64_t>());
    CHECK(most == tried.tightest.needed.count);
    CHECK(most <= 60'000'000);
    CHECK(tried.plan.micro_batches * tried.plan.micro_batch_size == 32);  // the same samples
  }
  CHECK(std::ranges::is_sorted(advice.fits, {}, &TriedPlan::iteration));
  std::set<std::string> names;
  for (const TriedPlan& tried : advice.fits) names.insert(tried.change);
  CHECK(names.size() == 3);
}

TEST_CASE("what fits exactly by the smallest figure fits, and with a byte less nothing does") {
  const TemporaryFolder folder;
  const auto [job, advice] = advise("gpt-nano", four_devices(folder, 1000), "gpipe");

  REQUIRE(advice.fits.empty());
  const std::int64_t least = advice.smallest.tightest.needed.count;
  CHECK_THAT(advice_text(job, advice), Contains(fmt::format("({} bytes)", least)));

  const auto [enough_job, enough] = advise("gpt-nano", four_devices(folder, least), "gpipe");
  CHECK_FALSE(enough.fits.empty());
  const auto [short_job, short_of] = advise("gpt-nano", four_devices(folder, least - 1), "gpipe");
  CHECK(short_of.fits.empty());
}

TEST_CASE("a plan that does not fit says what, where, when and by how much, and what would help") {
  const TemporaryFolder folder;
  const std::string line = "--model gpt-nano --pp 2 --schedule gpipe --on " + four_devices(folder, 60'000'000);

  for (const char* command : {"simulate ", "plan "}) {
    const Outcome refused = typed(command + line);

    CHECK(refused.code == 1);
    CHECK(refused.out.empty());
    CHECK_THAT(refused.err, StartsWith("does not fit: stage 1 needs ") && Contains(" on device 1 (tight), "));
    CHECK_THAT(refused.err, Contains("at the start of step B of micro-batch 0; peak by class: weight "));
    CHECK_THAT(refused.err, Contains("kept for backward, micro-batches 0-7 ("));
    CHECK_THAT(refused.err, Contains("What would make it fit, cheapest first (the plan itself would take "));
    CHECK_THAT(refused.err, Contains("more pipeline stages: --pp 4; needs ") && Contains("(x"));
  }
}

TEST_CASE("advice is the same every time") {
  const TemporaryFolder folder;
  const std::string line = "simulate --model gpt-nano --pp 2 --on " + four_devices(folder, 30'000'000);

  CHECK(typed(line).err == typed(line).err);
}

TEST_CASE("every change keeps the samples of an iteration and needs no more devices than there are") {
  Plan plan;
  plan.pipeline = 2;
  plan.schedule = "gpipe";
  plan.micro_batch_size = 12;
  const Cluster cluster = load_cluster("k80-x4");

  for (const MemoryChange& row : memory_changes()) {
    CAPTURE(row.name);
    for (const Plan& variant : row.variants(plan, cluster)) {
      CHECK(variant.micro_batches * variant.micro_batch_size == 96);  // 8 of 12
      CHECK(mesh_of(variant).workers() <= 4);
      CHECK_FALSE(flags_between(plan, variant).empty());
    }
  }
}

TEST_CASE("a change is written as the flags that make it") {
  Plan before, after;
  after.micro_batches = 32, after.micro_batch_size = 1;

  CHECK(flags_between(before, before).empty());
  CHECK(flags_between(before, after) == "--micro-batches 32 --micro-batch-size 1");
}

TEST_CASE("offloading and sharding are among the changes where devices reach a host and there are replicas") {
  Plan plan, sharing;
  sharing.replicas = 2;
  const auto names = [](const Plan& of, const std::string& cluster) {
    std::set<std::string_view> found;
    for (const MemoryChange& row : memory_changes())
      if (!row.variants(of, load_cluster(cluster)).empty()) found.insert(row.name);
    return found;
  };

  CHECK(names(plan, "k80-x4").count("activations on the host") == 1);
  CHECK(names(plan, "k80-x4").count("optimizer states on the host") == 1);
  CHECK(names(plan, "k80-x4").count("weights streamed from the host") == 1);
  CHECK(names(plan, "k80-x4").count("sharding over replicas") == 0);
  CHECK(names(sharing, "k80-x4").count("sharding over replicas") == 1);
  const TemporaryFolder folder;
  CHECK(names(plan, four_devices(folder, 1000)).count("activations on the host") == 0);
}

TEST_CASE("the worker's highest instant holds what is on the device, not the optimizer states on the host") {
  Plan plan;
  plan.model = "gpt-nano", plan.cluster = "k80-x4", plan.pipeline = 2;
  plan.offload_optimizer = true;
  const Job job = make_job(plan, load_cluster(plan.cluster), CostModel());

  const std::vector<PeakMoment> moments = peak_moments(job.program);

  const std::vector<MemoryPeak> peaks = script_peaks(job.program);
  REQUIRE(moments.size() == 2);
  for (std::size_t worker = 0; worker < 2; ++worker) CHECK(moments[worker].total == peaks[worker].total);
}
