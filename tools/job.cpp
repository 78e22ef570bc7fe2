#include "tools/job.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/error.hpp"
#include "models/model.hpp"
#include "plan/best_layouts.hpp"
#include "plan/fitting_partition.hpp"
#include "plan/lower.hpp"
#include "plan/plan_schedule.hpp"
#include "plan/shard.hpp"
#include "plan/verify.hpp"
#include "plan/weight_versions.hpp"
#include "tools/automatic_schedule.hpp"
#include "tools/collective_choice.hpp"
#include "tools/device_memory.hpp"
#include "tools/offload_choice.hpp"
#include "tools/schedule_choice.hpp"
#include "tools/text_files.hpp"

namespace tandem {

namespace {

/// The training data that the plan names; without a name, this tool's own README.
std::string read_data(const Plan& plan) {
  constexpr Bytes kMostText{1'000'000'000};
  return plan.data.empty() ? std::string(text_files()[0].text) : read_text(plan.data, kMostText);
}

/// Rules that are unknown, sizes that do not divide and halos that reach too far are the same on every rank.
void require_divides(const Plan& plan, const Model& model) {
  if (plan.tensor_split == TensorSplit::best) return;  // takes only what divides
  const Mesh mesh = mesh_of(plan);
  const LayoutChoice choice = choose_layouts(plan, model);
  if (mesh.workers_per_stage() > 1) shard(choice, model, mesh, Coordinate{}, plan.micro_batch_size);
}

/// The schedule suits the mesh and the cuts: of those that the plan leaves open one does. Else what the first one says.
void require_schedule(const Plan& plan, const Model& model) {
  std::optional<InputError> first;
  for (const Plan& each : schedule_alternatives(plan)) try {
      schedule_grid(each);
      if (!each.cuts.empty()) resolve_cuts(each, model);
      return;
    } catch (const InputError& error) {
      if (!first) first = error;
    }
  throw *first;
}

}  // namespace

void require_valid(const Plan& plan, Purpose purpose) {
  count_steps(plan);
  const Model model = load_planned_model(plan);
  require_schedule(plan, model);
  require_divides(plan, model);
  if (purpose == Purpose::train || !plan.data.empty()) Dataset(model, read_data(plan), plan.seed);
  if (plan.cluster != "host") place_workers(load_cluster(plan.cluster), mesh_of(plan).workers());
}

namespace {

/// A stage is as fast as its first worker's device; the stages of a device's workers have equal shares of it.
std::vector<StageDevice> stage_devices(const Job& job, const Mesh& mesh) {
  const std::vector<Holder> holders = holders_of(schedule_grid(job.plan));
  const std::uint32_t within = mesh.workers_per_stage();
  std::vector<std::int64_t> sharers(job.cluster.device_count(), 0);
  for (const Holder& holder : holders)
    for (std::uint32_t i = 0; i < within; ++i) ++sharers[index_of(job.devices[holder.rank * within + i])];
  std::vector<StageDevice> stages(stage_count(job.plan));
  for (const Holder& holder : holders)
    for (std::uint32_t i = 0; i < within; ++i) {
      const DeviceId id = job.devices[holder.rank * within + i];
      const Device& device = job.cluster.device(id);
      const Bytes share{usable_memory(device, job.plan).count / sharers[index_of(id)]};
      StageDevice& stage = stages[holder.stage];
      if (stage.device == nullptr) stage = {&device, share};
      stage.memory = std::min(stage.memory, share);
    }
  return stages;
}

}  // namespace

Plan settle_layouts(const Plan& plan, const Model& model, const Cluster& cluster, const CostModel& costs) {
  if (plan.tensor_split != TensorSplit::best) return plan;
  const std::vector<DeviceId> devices = place_workers(cluster, mesh_of(plan).workers());
  TensorGroup group{static_cast<std::uint32_t>(plan.tensor), 1, {}, {}, nullptr, &cluster.device(devices.front())};
  if (plan.tensor > 1) {
    const GroupRoutes routes = group_routes(cluster, {devices.data(), group.ranks});
    group.ranks_per_node = routes.ranks_per_node;
    group.inside = routes.inside;
    group.between = routes.between;
  }
  if (plan.collective != "auto") group.algorithm = &find_collective_algorithm(plan.collective);
  return best_layouts(plan, model, group, costs).plan;
}

Model load_planned_model(const Plan& plan) { return load_model(plan.model, plan.dropout).stored_as(plan.precision); }

Job make_job(Plan plan, Cluster cluster, const CostModel& costs, const JobOptions& options) {
  auto model = std::make_unique<const Model>(load_planned_model(plan));
  return make_job(std::move(plan), std::move(model), std::move(cluster), costs, options);
}

Job make_job(Plan plan, std::unique_ptr<const Model> model, Cluster cluster, const CostModel& costs,
             const JobOptions& options) {
  if (leaves_schedule_open(plan)) return compare_schedules(plan, *model, cluster, costs, options);
  Job job{std::move(plan), std::move(model), std::move(cluster), {}, {}, {}, {}, {}};
  count_steps(job.plan);
  if (job.model->stored() != job.plan.precision)
    job.model = std::make_unique<const Model>(job.model->stored_as(job.plan.precision));
  const Mesh mesh = mesh_of(job.plan);
  job.devices = place_workers(job.cluster, mesh.workers());
  job.plan = settle_layouts(job.plan, *job.model, job.cluster, costs);
  job.cuts = resolve_cuts(job.plan, *job.model);
  if (job.cuts.size() + 1 != stage_count(job.plan))
    job.cuts = fitting_partition(job.plan, *job.model, stage_devices(job, mesh), costs).cuts;
  settle_offload(job, costs);
  settle_schedule(job, costs, options);
  LowerOptions lowering;
  lowering.choose = collective_chooser(job.plan, job.cluster);
  if (job.found) lowering.grid = &job.found->grid;
  job.program = lower(job.plan, *job.model, job.cuts, job.devices, lowering);
  verify(job.program);
  return job;
}

StaleWeights stale_weights(const Job& job) {
  const std::int64_t replicas = job.plan.replicas;
  const auto batches = static_cast<std::uint32_t>(job.plan.micro_batches);
  const WeightVersions versions = weight_versions(schedule_grid(job.plan), schedule_row(job.plan), batches);
  if (versions.rounds == 1) return {};
  StaleWeights stale{versions.round * replicas, {}};
  for (const Parameter& parameter : job.model->parameters()) {
    const auto after = std::upper_bound(job.cuts.begin(), job.cuts.end(), index_of(parameter.layer));
    const auto& used = versions.used[static_cast<std::size_t>(after - job.cuts.begin())];
    stale.version.emplace_back();
    for (std::int64_t i = 0; i < batches * replicas; ++i)
      stale.version.back().push_back(used[static_cast<std::size_t>(i / replicas)]);
  }
  return stale;
}

Plan settled_plan(const Job& job) {
  Plan plan = job.plan;
  plan.cuts.clear();
  for (const std::size_t cut : job.cuts) plan.cuts.push_back(job.model->layer(static_cast<LayerId>(cut)).name);
  plan.model_fingerprint = job.model->fingerprint();
  return plan;
}

Dataset make_dataset(const Job& job) {
  return Dataset(*job.model, read_data(job.plan), job.plan.seed);
}

MetricsContext metrics_context(const Job& job) {
  MetricsContext context;
  context.samples = global_micro_batches(job.plan) * job.plan.micro_batch_size;
  for (const Layer& layer : job.model->layers())
    if (layer.kind->name == "tokens" && context.tokens == 0)
      context.tokens = context.samples * layer.output.elements_per_sample();
  for (const Pass pass : {Pass::forward, Pass::input_gradient, Pass::weight_gradient})
    context.model_flops += job.model->flops(pass, context.samples);
  std::vector<char> counted(job.cluster.device_count(), 0);
  for (const DeviceId id : job.devices)
    if (std::exchange(counted[index_of(id)], 1) == 0)
      context.peak += product_peak(job.cluster.device(id), job.model->stored());
  return context;
}

CostModel cost_model(const std::string& name) {
  if (name != "measured" && name != "roofline")
    throw InputError(fmt::format("--cost: no such source{}", did_you_mean(name, {"measured", "roofline"})), name,
                     "measured or roofline");
  return CostModel(name == "measured");
}

}  // namespace tandem
