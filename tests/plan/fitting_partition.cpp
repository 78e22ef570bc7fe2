#include "plan/fitting_partition.hpp"

#include <algorithm>

#include "plan/lower.hpp"
#include "plan/memory_script.hpp"
#include "tests/catch.hpp"
#include "tests/plan/devices.hpp"
#include "tests/plan/meshes.hpp"

using namespace tandem;

namespace {

/// What the two stages of the plan hold at their peaks.
std::vector<std::int64_t> peaks_of(const Plan& plan, const Model& model, std::size_t cut) {
  const Program program = lower(plan, model, {cut}, {DeviceId{0}, DeviceId{0}});
  std::vector<std::int64_t> bytes;
  for (const MemoryPeak& peak : script_peaks(program)) bytes.push_back(peak.total.count);
  return bytes;
}

Partition free_split(const Plan& plan, const Model& model, const Device& device) {
  return partition(plan, model, {{&device, {1}}, {&device, {1}}}, CostModel(),
                   [](std::size_t, std::size_t, std::size_t) { return 0.0; });
}

}  // namespace

TEST_CASE("stages that keep little by recomputing or offloading are balanced by time, though the bound says they lack") {
  const Device device = device_of(1e12);
  const Model model = load_model("gpt-nano");
  Plan plan = plan_of("gpipe", 2, 8);
  plan.micro_batch_size = 2;
  const auto [recompute, offload] = GENERATE(std::pair("block", "none"), std::pair("every:3", "none"),
                                             std::pair("sqrt", "none"), std::pair("none", "stage"),
                                             std::pair("none", "all"), std::pair("selective", "all"));
  CAPTURE(recompute, offload);
  plan.recompute = recompute;
  plan.offload = offload;
  const Partition fastest = free_split(plan, model, device);
  const std::vector<std::int64_t> needed = peaks_of(plan, model, fastest.cuts[0]);
  const std::vector<StageDevice> stages{{&device, {needed[0]}}, {&device, {needed[1]}}};

  const Partition split = fitting_partition(plan, model, stages, CostModel());

  CHECK(partition(plan, model, stages, CostModel()).lacking > Bytes{0});
  CHECK(split.lacking == Bytes{0});
  CHECK(split.cuts == fastest.cuts);
}

TEST_CASE("of all splits that fit the fastest is found, and where none fits no more is lacking than by the bound") {
  const Device first = device_of(2e12), second = device_of(1e12);
  const Model model = load_model("mlp");
  Plan plan = plan_of("gpipe", 2, 4);
  const std::string recompute = GENERATE("none", "every:3", "full");
  plan.recompute = recompute;
  for (const std::int64_t percent : {30, 50, 60, 70, 80, 100}) {
    CAPTURE(recompute, percent);
    std::optional<double> best;
    const std::int64_t whole = peaks_of(plan, model, 1)[1];
    const std::vector<StageDevice> stages{{&first, {whole * percent / 100}}, {&second, {whole * percent / 100}}};
    for (std::size_t cut = 1; cut < model.layer_count(); ++cut) {
      if (!model.may_cut(cut)) continue;
      const std::vector<std::int64_t> needed = peaks_of(plan, model, cut);
      if (needed[0] > stages[0].memory.count || needed[1] > stages[1].memory.count) continue;
      const auto only = [cut](std::size_t rank, std::size_t, std::size_t to) {
        return rank == 0 && to != cut ? 1.0 : 0.0;  // this split and no other
      };
      const double time = partition(plan, model, stages, CostModel(), only).slowest.value;
      best = std::min(best.value_or(time), time);
    }

    const Partition split = fitting_partition(plan, model, stages, CostModel());

    if (best) {
      CHECK(split.lacking == Bytes{0});
      CHECK(split.slowest.value == *best);
    } else {
      CHECK(split.lacking > Bytes{0});
      CHECK(split.lacking <= partition(plan, model, stages, CostModel()).lacking);
    }
  }
}

TEST_CASE("ranks that run several stages are split by the bound") {
  const Device device = device_of(1e12);
  const Model model = load_model("mlp");
  Plan plan = plan_of("interleaved-1f1b", 2, 4);
  plan.chunks = 2;
  const std::vector<StageDevice> stages(4, {&device, {1}});

  CHECK(fitting_partition(plan, model, stages, CostModel()).cuts == partition(plan, model, stages, CostModel()).cuts);
}
