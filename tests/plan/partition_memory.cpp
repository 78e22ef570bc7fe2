#include "plan/partition.hpp"

#include <algorithm>
#include <optional>

#include "plan/memory_script.hpp"
#include "plan/stage_memory.hpp"
#include "tests/catch.hpp"
#include "tests/plan/devices.hpp"
#include "tests/plan/meshes.hpp"
#include "tests/plan/random_models.hpp"

using namespace tandem;

namespace {

using Rows = std::vector<std::vector<double>>;

struct Chain {
  Rows time, memory;             ///< by rank and item
  std::vector<double> limit;     ///< by rank
  std::vector<double> crossing;
  std::vector<bool> allowed;

  double lacking(std::size_t rank, std::size_t from, std::size_t to) const {
    double sum = -limit[rank];
    for (std::size_t item = from; item < to; ++item) sum += memory[rank][item];
    return std::max(0.0, sum);
  }
};

struct Value {
  double lacks, slowest, bytes;
  auto operator<=>(const Value&) const = default;
};

Value value_of(const Chain& chain, const std::vector<std::size_t>& cuts) {
  Value value{0, 0, 0};
  for (std::size_t rank = 0; rank < chain.time.size(); ++rank) {
    const std::size_t first = rank == 0 ? 0 : cuts[rank - 1];
    const std::size_t last = rank == cuts.size() ? chain.time[rank].size() : cuts[rank];
    double sum = 0;
    for (std::size_t item = first; item < last; ++item) sum += chain.time[rank][item];
    value.slowest = std::max(value.slowest, sum);
    value.lacks += chain.lacking(rank, first, last);
    if (rank > 0) value.bytes += chain.crossing[first];
  }
  return value;
}

std::optional<Value> brute_force(const Chain& chain, std::vector<std::size_t> cuts = {}) {
  if (cuts.size() + 1 == chain.time.size()) return value_of(chain, cuts);
  std::optional<Value> best;
  for (std::size_t cut = cuts.empty() ? 1 : cuts.back() + 1; cut < chain.time[0].size(); ++cut) {
    if (!chain.allowed[cut]) continue;
    cuts.push_back(cut);
    const auto value = brute_force(chain, cuts);
    if (value && (!best || *value < *best)) best = value;
    cuts.pop_back();
  }
  return best;
}

Chain random_chain(Dice& dice) {
  const auto ranks = static_cast<std::size_t>(dice.between(1, 4));
  const auto items = static_cast<std::size_t>(dice.between(4, 12));
  Chain chain{{}, {}, {}, std::vector<double>(items, 0), std::vector<bool>(items, false)};
  for (std::size_t rank = 0; rank < ranks; ++rank) {
    chain.time.emplace_back();
    chain.memory.emplace_back();
    for (std::size_t item = 0; item < items; ++item) {
      chain.time.back().push_back(static_cast<double>(dice.between(0, 5)));
      chain.memory.back().push_back(static_cast<double>(dice.between(0, 5)));
    }
    chain.limit.push_back(static_cast<double>(dice.between(0, 24)));
  }
  for (std::size_t item = 1; item < items; ++item) {
    chain.crossing[item] = static_cast<double>(dice.between(1, 9));
    chain.allowed[item] = !dice.chance(5);
  }
  return chain;
}

}  // namespace

TEST_CASE("with memory the split is as good as the best of all: in what it lacks, then in time, then in bytes") {
  int fitting = 0, lacking = 0;
  for (std::uint64_t number = 0; number < 3'000; ++number) {
    INFO("case " << number);
    Dice dice(number);
    const Chain chain = random_chain(dice);
    const auto best = brute_force(chain);
    if (!best) continue;

    const auto cuts =
        split_chain(chain.time, chain.crossing, chain.allowed,
                    [&](std::size_t rank, std::size_t from, std::size_t to) { return chain.lacking(rank, from, to); });

    REQUIRE(value_of(chain, cuts) == *best);
    ++(best->lacks == 0 ? fitting : lacking);
  }
  CHECK(fitting > 500);
  CHECK(lacking > 500);
}

TEST_CASE("the bound on a stage's memory is no less than what the program's script needs") {
  for (const char* name : {"mlp", "gpt-nano", "llama-nano", "vgg-nano", "resnet-nano"})
    for (const char* schedule : {"1f1b", "gpipe"})
      for (const std::int64_t tensor : {1, 2}) {
        INFO(name << " " << schedule << " tensor " << tensor);
        Plan plan = plan_of(schedule, 2, 4);
        plan.micro_batch_size = 2;
        plan.tensor = tensor;
        const Model model = load_model(name);
        const Device device = device_of(1e12);
        const Partition split = partition(plan, model, {{&device, {1}}, {&device, {1}}}, CostModel());
        std::vector<DeviceId> devices(mesh_of(plan).workers(), DeviceId{0});

        const Program program = lower(plan, model, split.cuts, devices);

        const std::vector<MemoryPeak> peaks = script_peaks(program);
        std::int64_t needed = 0;  // by the first worker of each stage
        for (std::size_t worker = 0; worker < peaks.size(); worker += peaks.size() / 2)
          needed += peaks[worker].total.count;
        CHECK(split.lacking.count + 2 >= needed);     // each has one byte
        CHECK(split.lacking.count < 4 * needed);      // and of the same size
      }
}

TEST_CASE("a fast device without memory for its share leaves layers to a slow one") {
  const Device fast = device_of(4e12), slow = device_of(1e12);
  const Model model = equal_blocks(8);
  const Plan plan = plan_of("1f1b", 2, 4);
  const Partition free = partition(plan, model, {{&fast, {1 << 30}}, {&slow, {1 << 30}}}, CostModel());
  const auto whole = undivided(model);
  std::vector<std::size_t> bounds;
  for (std::size_t i = 0; i <= model.layer_count(); ++i) bounds.push_back(i);
  const StageMemory memory(plan, whole, bounds);

  const Bytes half = memory.of(0, 0, 9);  // x and four blocks
  const Partition tight = partition(plan, model, {{&fast, half}, {&slow, {1 << 30}}}, CostModel());

  CHECK(free.lacking == Bytes{0});
  CHECK(free.cuts[0] > 9);
  CHECK(tight.lacking == Bytes{0});
  CHECK(tight.cuts[0] <= 9);
  CHECK(tight.slowest > free.slowest);
}

TEST_CASE("where no split fits the partition says how much its stages lack together") {
  const Device device = device_of(1e12);
  const Model model = equal_blocks(2);
  const Plan plan = plan_of("1f1b", 2, 4);

  const Partition split = partition(plan, model, {{&device, {1'000}}, {&device, {1'000}}}, CostModel());

  CHECK(split.lacking > Bytes{0});
}

TEST_CASE("tensor ranks need less memory each than one alone") {
  const Device device = device_of(1e12);
  const Model model = load_model("gpt-nano");
  Plan plan = plan_of("1f1b", 2, 4);
  const std::vector<StageDevice> stages(2, {&device, {1}});
  const Partition alone = partition(plan, model, stages, CostModel());
  plan.tensor = 2;

  const Partition divided = partition(plan, model, stages, CostModel());

  CHECK(divided.lacking < alone.lacking);
  CHECK(divided.slowest < alone.slowest);
}

TEST_CASE("1F1B holds as many micro-batches as there are stages to come, GPipe all") {
  CHECK(micro_batches_under_way(plan_of("1f1b", 4, 8)) == std::vector<std::int64_t>{4, 3, 2, 1});
  CHECK(micro_batches_under_way(plan_of("gpipe", 3, 8)) == std::vector<std::int64_t>{8, 8, 8});
}

TEST_CASE("workers on the tensor axis share a node where a node has room for them") {
  const Cluster cluster = load_cluster("dgx-a100:4");  // 8 devices a node
  Plan plan = plan_of("1f1b", 2, 4);
  plan.replicas = 2;
  plan.tensor = 8;
  const Mesh mesh = mesh_of(plan);

  const std::vector<DeviceId> devices = place_workers(cluster, mesh.workers());

  for (std::uint32_t rank = 0; rank < mesh.workers(); ++rank) {
    Coordinate first = mesh.coordinate_of(rank);
    first[MeshAxis::tensor] = 0;
    CHECK(cluster.nodes->node_of(devices[rank]) == cluster.nodes->node_of(devices[mesh.rank_of(first)]));
  }
}
