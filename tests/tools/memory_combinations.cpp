// Time for memory in all combinations: schedules, recomputation, offloading, streaming and sharding agree in both rides,
// and change no bit of the losses.

#include <algorithm>
#include <cstdlib>
#include <optional>

#include "base/error.hpp"
#include "base/random.hpp"
#include "tests/catch.hpp"
#include "tests/plan/suitable_schedules.hpp"
#include "tests/tools/mesh_scene.hpp"
#include "tools/check.hpp"

using namespace tandem;

namespace {

std::uint64_t from_environment(const char* name, std::uint64_t fallback) {
  const char* const text = std::getenv(name);
  return text == nullptr ? fallback : std::strtoull(text, nullptr, 10);
}

/// Drawn in CI; more with TANDEM_COMBINATIONS.
std::uint64_t combinations() { return from_environment("TANDEM_COMBINATIONS", 60); }

/// Those before it are left out: to replay one, or to go on.
std::uint64_t first_combination() { return from_environment("TANDEM_FIRST_COMBINATION", 0); }

class Draw {
 public:
  explicit Draw(std::uint64_t number) : number_(number) {}
  template <class Value>
  Value of(const std::vector<Value>& values) {
    return values[below_at(kSeed, number_, turn_++, values.size())];
  }

 private:
  static constexpr std::uint64_t kSeed = 20261122;
  std::uint64_t number_, turn_ = 0;
};

/// Does some stage live on several ranks?
bool has_copies(const Plan& plan) {
  const Grid grid = schedule_grid(plan);
  return holders_of(grid).size() > stage_count(grid);
}

Plan drawn_plan(std::uint64_t number) {
  Draw draw(number);
  const std::string model = draw.of<std::string>({"mlp", "gpt-nano", "vgg-nano", "llama-nano", "gpt-nano-dropout"});
  MeshSizes sizes;
  sizes.pipeline = draw.of<std::int64_t>({1, 2, 4});
  sizes.replicas = draw.of<std::int64_t>({1, 2});
  sizes.tensor = sizes.pipeline == 4 ? 1 : draw.of<std::int64_t>({1, 2});
  Plan plan = mesh_plan(model, sizes, 2);
  plan.micro_batches = 8;
  plan.collective = "ring";
  plan.schedule = draw.of(suitable_schedules(static_cast<std::size_t>(sizes.pipeline), plan.micro_batches, 8));
  plan.recompute = draw.of<std::string>({"none", "full", "every:2", "sqrt", "block", "selective"});
  plan.offload = draw.of<std::string>({"none", "none", "all", "stage", "convolutions"});
  const bool updates_once = find_schedule(plan.schedule).updates == Updates::at_flush;
  if (sizes.replicas > 1) plan.zero = draw.of<std::int64_t>({0, 1, 2, 3});
  else if (has_copies(plan)) plan.zero = draw.of<std::int64_t>({0, 1});
  plan.optimizer.kind = draw.of<OptimizerKind>({OptimizerKind::sgd, OptimizerKind::adam});
  // Adam's second update in an iteration enlarges the first one's roundings where gradients are near zero.
  if (!updates_once) plan.optimizer.kind = OptimizerKind::sgd;
  plan.offload_optimizer = draw.of<bool>({false, true});
  plan.offload_weights = draw.of<bool>({false, true});
  if (plan.offload_weights) plan.bucket = Bytes{draw.of<std::int64_t>({10'000, 100'000, 25'000'000})};
  plan.precision = draw.of<ElementType>({ElementType::float32, ElementType::float32, ElementType::bfloat16});
  const bool gathers_updates = plan.zero == 1 || plan.zero == 2;
  if (updates_once && !(plan.offload_weights && gathers_updates)) plan.update_on = draw.of<UpdateOn>({UpdateOn::device, UpdateOn::host});
  if (plan.update_on == UpdateOn::host && !plan.offload_weights)
    plan.bucket = Bytes{draw.of<std::int64_t>({10'000, 100'000, 25'000'000})};
  plan.dropout = draw.of<DropoutUse>({DropoutUse::off, DropoutUse::recomputed, DropoutUse::stored});
  if (plan.precision == ElementType::bfloat16) plan.float_gradients = draw.of<bool>({false, true});
  if (sizes.tensor == 1) return plan;
  plan.sequence_parallel = draw.of<bool>({false, true});
  plan.repeat_collectives = draw.of<bool>({false, true});
  plan.overlap = draw.of<bool>({true, true, false});
  return plan;
}

/// The same job without what trades time for memory.
Plan plain(Plan plan) {
  plan.recompute = plan.offload = "none";
  plan.zero = 0;
  plan.offload_optimizer = plan.offload_weights = plan.repeat_collectives = false;
  plan.update_on = UpdateOn::device;
  return plan;
}

}  // namespace

TEST_CASE("whatever schedule and trades of time for memory are drawn, the rides agree and no loss changes a bit") {
  MeshRider rider;
  std::uint64_t traded = 0;
  for (std::uint64_t number = first_combination(); number < combinations(); ++number) {
    const Plan plan = drawn_plan(number);
    INFO(number << ": " << described(plan));

    const MeshRide ride = rider.ride(plan);

    CHECK(ride.faults == std::vector<std::string>{});
    CHECK(ride.gradient_error <= numbers_tolerance(*ride.job.model, plan));
    if (plan.recompute == "none" && plan.offload == "none" && plan.zero == 0 && !plan.offload_weights &&
        !plan.repeat_collectives)
      continue;
    const MeshRide other = rider.ride(plain(plan));
    // Sums over replicas before micro-batches round otherwise, which later losses see where weights change in between.
    const bool grouped = find_schedule(plan.schedule).updates == Updates::double_buffered;
    if (plan.zero < 2 || !grouped) CHECK(same_bits(ride.threads.losses, other.threads.losses));
    ++traded;
    if (plan.zero > 1) continue;  // sums over replicas before micro-batches: other roundings
    // Streamed buckets end with layers, so that of more than two summands the order changes.
    if (plan.offload_weights && plan.replicas > 1 && has_copies(plan)) continue;
    bool same = true;
    for (std::size_t i = 0; i < ride.threads.weights.size(); ++i)
      same = same && same_bits(ride.threads.weights[i], other.threads.weights[i]);
    CHECK(same);
  }
  CHECK(traded > (combinations() - first_combination()) / 2);
}
