#include "tools/automatic_schedule.hpp"

#include <string>

#include "plan/memory_script.hpp"
#include "sim/simulate.hpp"
#include "tests/catch.hpp"
#include "tests/plan/models.hpp"

using namespace tandem;

namespace {

constexpr std::uint32_t kStages = 4, kBatches = 6;

struct Scene {
  Model model = equal_blocks(kStages);
  Plan plan = plan_of("zb-h1", kStages, kBatches);
  Grid grid = find_schedule("zb-h1").order({kStages, kBatches});
  Program program = lower_with(grid);

  Program lower_with(const Grid& order) const {
    std::vector<DeviceId> devices;
    for (std::uint32_t rank = 0; rank < kStages; ++rank) devices.push_back(static_cast<DeviceId>(rank));
    return lower(plan, model, block_cuts(kStages), devices, order);
  }
};

/// Of stage s: F 100 + 10 s, I 90, W 50 - 5 s, B both; a message takes 3 and then 4. Zeroing and updates take no time.
Prices prices_of(const Program& program) {
  Prices prices;
  for (const StepWork& work : program.works()) {
    const std::int64_t stage = program.segment(work.segment).stage, forward = 100 + 10 * stage, weight = 50 - 5 * stage;
    const std::int64_t time = work.kind == StepKind::forward           ? forward
                              : work.kind == StepKind::input_gradient  ? 90
                              : work.kind == StepKind::weight_gradient ? weight
                                                                       : 0;
    prices.works.push_back({{time}, CostSource::roofline});
  }
  for (std::uint32_t channel = 0; channel < program.channels().size(); ++channel) {
    prices.routes.push_back({{3}, 1e9});
    prices.channels.push_back({channel, {4}});
  }
  prices.worker_resource.assign(program.workers().size(), kExclusive);
  prices.worker_forbids_overlap.assign(program.workers().size(), false);
  return prices;
}

}  // namespace

TEST_CASE("the costs of a job are its steps, messages and kept bytes, stage by stage") {
  const Scene scene;
  const Prices prices = prices_of(scene.program);
  const std::vector<Bytes> capacity(kStages, Bytes{1'000'000});

  const ScheduleCosts costs = schedule_costs(scene.program, prices, scene.grid, capacity);
  const ScheduleEvaluation sample = evaluate(scene.grid, costs);

  for (std::uint32_t stage = 0; stage < kStages; ++stage) {
    CAPTURE(stage);
    CHECK(costs.forward[stage].count == 100 + 10 * stage);
    CHECK(costs.input_gradient[stage].count == 90);
    CHECK(costs.weight_gradient[stage].count == 50 - 5 * stage);
    CHECK(costs.kept[stage] > Bytes{});
    CHECK(costs.budget[stage] < capacity[stage]);
  }
  for (std::uint32_t cut = 0; cut + 1 < kStages; ++cut) {
    CHECK(costs.message_forward[cut].count == 3 + 4);
    CHECK(costs.message_backward[cut].count == 3 + 4);
  }
  CHECK(simulate(scene.program, prices).makespan() == sample.makespan);
}

TEST_CASE("a schedule found within the memory of another takes in the simulator what was foretold, and fits") {
  const Scene scene;
  const Prices prices = prices_of(scene.program);
  std::vector<Bytes> capacity;
  for (const MemoryPeak& peak : script_peaks(scene.program)) capacity.push_back(peak.total);
  const ScheduleCosts costs = schedule_costs(scene.program, prices, scene.grid, capacity);

  const FoundSchedule found = find_schedule_automatically(costs, ranks_of_stages(scene.grid), kStages, kBatches);
  const Program program = scene.lower_with(found.grid);
  const std::vector<MemoryPeak> peaks = script_peaks(program);

  CHECK(found.makespan < simulate(scene.program, prices).makespan());
  CHECK(simulate(program, prices_of(program)).makespan() == found.makespan);
  for (std::size_t rank = 0; rank < kStages; ++rank) CHECK(peaks[rank].total <= capacity[rank]);
}

TEST_CASE("a device without room for one micro-batch has no schedule, and the smallest budget is named") {
  const Scene scene;
  std::vector<Bytes> capacity(kStages, Bytes{1'000'000});
  capacity[1] = Bytes{1};
  const ScheduleCosts costs = schedule_costs(scene.program, prices_of(scene.program), scene.grid, capacity);

  CHECK(costs.budget[1] == Bytes{});
  CHECK(complaint([&] { find_schedule_automatically(costs, ranks_of_stages(scene.grid), kStages, kBatches); }) ==
        "error: the activations of one micro-batch do not fit rank 1's budget; got \"0 B\", want at least " +
            std::to_string(costs.kept[1].count) + " B");
}

TEST_CASE("a stage with copies on several ranks has no one rank") {
  const Grid grid{{{0, StepKind::forward, 0}, {0, StepKind::backward, 0}},
                  {{0, StepKind::forward, 1}, {0, StepKind::backward, 1}}};

  CHECK(complaint([&] { ranks_of_stages(grid); }) == R"(error: stage 0 lives on several ranks; got "ranks 0 and 1")");
  CHECK(ranks_of_stages({{{0, StepKind::forward, 0}, {2, StepKind::forward, 0}}, {{1, StepKind::forward, 0}}}) ==
        std::vector<std::uint32_t>{0, 1, 0});
}
