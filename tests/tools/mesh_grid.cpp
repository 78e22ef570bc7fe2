// The main claim over meshes: what is predicted is what runs, with the whole model's numbers.
#include "tests/catch.hpp"
#include "tests/tools/mesh_scene.hpp"
#include "tools/check.hpp"

using namespace tandem;

namespace {

constexpr const char* kAlgorithms[] = {"ring", "halving_doubling", "tree", "direct", "hierarchical", "auto"};
constexpr const char* kSchedules[] = {"1f1b", "gpipe", "sequential"};

/// What the model gives to vary.
struct Family {
  const char* model;
  bool images = false, positions = false, statistics = false;
  const char* first = "";     ///< too few inputs to divide by rows
};

/// Each plan's switches, and in turn the collective, the schedule, the bucket and the window.
std::vector<Plan> plans_on(const Family& family, const MeshSizes& sizes, std::size_t& number) {
  const bool space = sizes.height * sizes.width > 1, divided = sizes.tensor > 1 || space;
  std::vector<Plan> plans;
  for (unsigned drawn = 0; drawn < 48; ++drawn) {
    const auto split = static_cast<TensorSplit>(drawn / 16);
    const bool overlap = drawn & 1, sequence = drawn & 2, after = drawn & 4, synchronised = drawn & 8;
    const bool positions = sequence || split == TensorSplit::ulysses;
    if ((split != TensorSplit::megatron && !divided) || (positions && !(family.positions && sizes.tensor > 1)) ||
        (sequence && split == TensorSplit::ulysses) || (after && !space) || (synchronised && !family.statistics))
      continue;
    Plan plan = mesh_plan(family.model, sizes);
    plan.overlap = overlap;
    plan.tensor_split = split;
    plan.sequence_parallel = sequence;
    if (after) plan.after_space = AfterSpace::tensor;
    plan.synchronised_batch_norm = synchronised;
    if (split == TensorSplit::naive && sizes.tensor > 1 && *family.first != '\0')
      plan.layouts = {{family.first, "replicated"}};
    plan.collective = kAlgorithms[number % 6];
    plan.schedule = kSchedules[(number + number / 6) % 3];
    if (number % 4 == 1) plan.bucket = Bytes{1000};
    if (number % 5 == 2) plan.window = 1;
    ++number;
    plans.push_back(plan);
  }
  return plans;
}

void check_plan(MeshRider& rider, const Plan& plan, std::int64_t workers) {
  INFO(described(plan));
  const MeshRide ride = rider.ride(plan);

  CHECK(ride.faults == std::vector<std::string>{});
  CHECK(ride.gradient_error < 1e-4);
  CHECK(ride.loss_error < 1e-5);
  const MeshFlops flops = mesh_flops(ride.job);
  CHECK((flops.executed_products == flops.declared_products));
  CHECK((flops.executed == flops.whole + flops.repeated));
  const Flops once = flops.executed + flops.conversions + flops.merging;  // what a check counts, of one micro-batch
  if (plan.recompute == "none") CHECK((compare_work(ride.job).executed == once * plan.micro_batches));
  CHECK(flops.merging.real() >= flops.merging_once.real());
  CHECK(flops.merging.real() <= flops.merging_once.real() * static_cast<double>(workers / plan.replicas));
}

void check_meshes(const Family& family, std::int64_t workers) {
  MeshRider rider;
  std::size_t number = 0;
  for (const MeshSizes& sizes : meshes_of(workers, family.images)) {
    if (sizes.height > 4 || sizes.width > 4) continue;              // the last image has 4 rows
    if (sizes.tensor > 4 && !family.images && family.positions) continue;  // four heads
    for (const Plan& plan : plans_on(family, sizes, number)) check_plan(rider, plan, workers);
  }
}

/// Where the images end each rank goes on with its own samples; the other trades of a plan vary in turn.
void check_samples_after_space(const Family& family, std::int64_t workers) {
  constexpr const char* kPolicies[] = {"none", "full", "every:2"};
  MeshRider rider;
  std::size_t number = 0;
  for (const MeshSizes& sizes : meshes_of(workers, true)) {
    const std::int64_t space = sizes.height * sizes.width;
    if (space == 1 || sizes.height > 4 || sizes.width > 4) continue;
    for (const bool overlap : {true, false}) {
      Plan plan = mesh_plan(family.model, sizes, 2 * space);
      plan.after_space = AfterSpace::samples;
      plan.overlap = overlap;
      plan.recompute = kPolicies[number % 3];
      if (sizes.replicas > 1) plan.zero = static_cast<std::int64_t>(number % 4);
      plan.synchronised_batch_norm = family.statistics && number % 2 == 0;
      plan.collective = kAlgorithms[number % 6];
      plan.schedule = kSchedules[(number + number / 6) % 3];
      ++number;
      check_plan(rider, plan, workers);
      if (plan.recompute != "none" || sizes.tensor > 1) continue;
      CHECK((mesh_flops(rider.ride(plan).job).repeated == Flops{}));  // every rank has work of its own
    }
  }
}

constexpr Family kGpt{"gpt-nano", false, true}, kLlama{"llama-nano", false, true}, kMlp{"mlp"},
    kVgg{"vgg-nano", true, false, false, "conv1_1"},
    kResnet{"resnet-nano", true, false, true, "conv1"};

}  // namespace

TEST_CASE("meshes of 2 and 4 workers agree for gpt-nano") {
  check_meshes(kGpt, 2);
  check_meshes(kGpt, 4);
}
TEST_CASE("meshes of 8 workers agree for gpt-nano") { check_meshes(kGpt, 8); }
TEST_CASE("meshes of 2, 4 and 8 workers agree for llama-nano") {
  for (const std::int64_t workers : {2, 4, 8}) check_meshes(kLlama, workers);
}
TEST_CASE("meshes of 2 and 4 workers agree for an mlp") {
  check_meshes(kMlp, 2);
  check_meshes(kMlp, 4);
}
TEST_CASE("meshes of 8 workers agree for an mlp") { check_meshes(kMlp, 8); }
TEST_CASE("meshes of 2, 4 and 8 workers agree for vgg-nano") {
  for (const std::int64_t workers : {2, 4, 8}) check_meshes(kVgg, workers);
}
TEST_CASE("meshes of 2, 4 and 8 workers agree for resnet-nano") {
  for (const std::int64_t workers : {2, 4, 8}) check_meshes(kResnet, workers);
}
TEST_CASE("meshes of 2, 4 and 8 workers whose images end in samples of their own agree for vgg-nano") {
  for (const std::int64_t workers : {2, 4, 8}) check_samples_after_space(kVgg, workers);
}
TEST_CASE("meshes of 2, 4 and 8 workers whose images end in samples of their own agree for resnet-nano") {
  for (const std::int64_t workers : {2, 4, 8}) check_samples_after_space(kResnet, workers);
}
