// What waits on a server is held against that server's memory.
#include "base/error.hpp"
#include "tests/catch.hpp"
#include "tools/device_memory.hpp"
#include "tools/job.hpp"

using namespace tandem;

namespace {

Plan offloading_plan() {
  Plan plan;
  plan.model = "gpt-nano";
  plan.cluster = "k80-x4";
  plan.pipeline = 2;
  plan.offload_optimizer = true;
  return plan;
}

Job job_on_servers_of(Bytes memory) {
  Cluster cluster = load_cluster("k80-x4");
  for (auto& host : cluster.hosts)
    if (host) host->memory = memory;
  return make_job(offloading_plan(), std::move(cluster), CostModel(false));
}

std::string answer_of(const Job& job) {
  try {
    require_memory(job);
  } catch (const NoAnswer& answer) {
    return answer.what();
  }
  return "fits";
}

}  // namespace

TEST_CASE("a server must hold what all its devices' workers keep there, and says what does not fit, and by how much") {
  const Job roomy = job_on_servers_of({1'000'000'000'000});
  const std::vector<DeviceNeed> needs = host_needs(roomy);

  REQUIRE(needs.size() == 1);  // the chips share one server
  const Bytes needed = needs[0].needed;
  // Adam's two moments of 4 bytes for each parameter, on the host, whichever rank has it; tied weights twice.
  CHECK(needed.count >= 8 * roomy.model->parameter_count());
  CHECK(answer_of(roomy) == "fits");
  CHECK(answer_of(job_on_servers_of(needed)) == "fits");
  CHECK_THAT(answer_of(job_on_servers_of(needed - Bytes{1})),
             Catch::Matchers::StartsWith("does not fit: the host of device 0 (") &&
                 Catch::Matchers::Contains("(" + std::to_string(needed.count) + " bytes) for its workers, 1 bytes more than its"));
}

TEST_CASE("where nothing waits on a server, its memory does not matter") {
  Cluster cluster = load_cluster("k80-x4");
  for (auto& host : cluster.hosts)
    if (host) host->memory = Bytes{1};
  Plan plan = offloading_plan();
  plan.offload_optimizer = false;
  const Job job = make_job(plan, std::move(cluster), CostModel(false));

  CHECK(host_needs(job).empty());
  CHECK(answer_of(job) == "fits");
}
