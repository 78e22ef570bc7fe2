#include "plan/lower.hpp"

#include <fmt/format.h>

#include "base/error.hpp"
#include "plan/lowering.hpp"
#include "plan/verify.hpp"

namespace tandem {

/// Replicas share a layout unless they exchange activations, so that each has its own block of them.
Coordinate Lowering::shared_place(Coordinate at) const {
  if (!plan_.synchronised_batch_norm) at[MeshAxis::data] = 0;
  return at;
}

/// One layout per stage and position on the dividing axes.
void Lowering::add_layouts(const std::vector<std::size_t>& cuts) {
  const LayoutChoice choice = choose_layouts(plan_, model_);
  std::vector<std::size_t> choice_cuts;
  for (const std::size_t cut : cuts) {
    const std::string& before = model_.layer(static_cast<LayerId>(cut - 1)).name;
    std::size_t index = 0;
    while (choice.model.layers()[index].name != before) ++index;
    choice_cuts.push_back(index + 1);
  }
  const SegmentOptions options{plan_.overlap, plan_.bucket};
  for (std::uint32_t within = 0; within < mesh_.workers_per_stage(); ++within) {
    Coordinate at = mesh_.coordinate_of(within);
    if (!(shared_place(at) == at)) continue;
    auto sharding = std::make_shared<Sharding>(shard(choice, model_, mesh_, at, plan_.micro_batch_size));
    const std::uint32_t local = builder_.add_local_model(std::shared_ptr<const LocalModel>(sharding, &sharding->local));
    for (std::uint32_t stage = 0; stage < mesh_.size(MeshAxis::pipeline); ++stage) {
      const std::size_t first = stage == 0 ? 0 : local_cut(*sharding, choice_cuts[stage - 1]);
      const std::size_t last =
          stage == cuts.size() ? sharding->local.model.layer_count() : local_cut(*sharding, choice_cuts[stage]);
      StageLayout layout;
      layout.segment_layout = lay_out_segment(sharding->local, first, last, plan_.micro_batch_size, options);
      layout.segment_layout.local_model = local;
      layout.forward_uses = uses_of_parts(layout.segment_layout, sharding->local.model, true);
      layout.backward_uses = uses_of_parts(layout.segment_layout, sharding->local.model, false);
      layout.segment = builder_.add_segment(layout.segment_layout);
      at[MeshAxis::pipeline] = stage;
      layouts_.emplace(mesh_.rank_of(at), std::move(layout));
    }
  }
}

void Lowering::add_worker(const Coordinate& at, DeviceId device) {
  LoweredStage stage;
  stage.at = at;
  stage.shared = &layouts_.at(mesh_.rank_of(shared_place(at)));
  stage.layout = &stage.shared->segment_layout;
  const SegmentId segment = stage.shared->segment;
  stage.worker = builder_.add_worker(mesh_.worker_name(at), mesh_.rank_of(at), device, at);
  for (std::uint32_t part = 0; part < stage.forward_parts(); ++part)
    stage.forward.push_back(builder_.add_work({StepKind::forward, stage.worker, segment, part}));
  for (std::uint32_t part = 0; part < stage.backward_parts(); ++part)
    stage.backward.push_back(builder_.add_work({StepKind::backward, stage.worker, segment, part}));
  stage.weights = buffer(stage, BufferClass::weight, BufferContent::weights, stage.layout->weight_bytes, 0);
  stage.gradients = buffer(stage, BufferClass::gradient, BufferContent::gradients, stage.layout->gradient_bytes, 0);
  stage.forward_step.assign(batches() * stage.forward_parts(), kNone<StepId>);
  stage.backward_step.assign(batches() * stage.backward_parts(), kNone<StepId>);
  make_buffers(stage);
  workers_.push_back(std::move(stage));
}

void Lowering::add_update(LoweredStage& stage) {
  stage.end = builder_.add_compute(builder_.add_work({StepKind::update, stage.worker, stage.shared->segment}), 0);
  builder_.use(stage.end, stage.gradients, Access::read);
  builder_.use(stage.end, stage.weights, Access::read_write);
  for (const StepId reduction : stage.reductions) builder_.add_after(stage.end, reduction);
  const Bytes state = stage.layout->weight_bytes * plan_.optimizer.states();
  if (state.count == 0) return;
  const BufferId states = buffer(stage, BufferClass::optimizer_state, BufferContent::optimizer_state, state, 0);
  builder_.use(stage.end, states, Access::read_write);
}

Program Lowering::run(const std::vector<std::size_t>& cuts, const std::vector<DeviceId>& devices, const Grid& grid) {
  invariant(cuts.size() + 1 == mesh_.size(MeshAxis::pipeline) && grid.size() == cuts.size() + 1, "one rank per stage");
  invariant(devices.size() == mesh_.workers(), "every worker lives on a device");
  cuts_ = cuts;
  devices_ = devices;
  builder_.set_mesh(mesh_);
  builder_.reserve(static_cast<std::size_t>(count_steps(plan_)));
  add_layouts(cuts);
  workers_.reserve(mesh_.workers());
  for (std::uint32_t rank = 0; rank < mesh_.workers(); ++rank) add_worker(mesh_.coordinate_of(rank), devices[rank]);
  for (std::uint32_t stage = 0; stage < grid.size(); ++stage) add_stage(stage, grid[stage]);
  add_ties();
  for (Stage& stage : stages_) reduce_gradients(stage);
  for (LoweredStage& worker : workers_) add_update(worker);
  for (LoweredStage& worker : workers_)
    for (std::uint32_t batch = 0; batch < batches(); ++batch) add_local_buffers(worker, batch);
  for (LoweredStage& worker : workers_) {
    Coordinate next = worker.at;
    if (++next[MeshAxis::pipeline] == mesh_.size(MeshAxis::pipeline)) continue;
    connect(worker, worker_at(next), true);
    connect(worker_at(next), worker, false);
  }
  return std::move(builder_).finish(batches());
}

namespace {

ScheduleShape shape_of(const Plan& plan) {
  invariant(plan.pipeline >= 1 && plan.micro_batches >= 1 && plan.micro_batch_size >= 1 && plan.window >= 1,
            "a plan's counts start at one");
  return {static_cast<std::uint32_t>(plan.pipeline), static_cast<std::uint32_t>(plan.micro_batches)};
}

}  // namespace

std::int64_t count_steps(const Plan& plan) {
  const double p = static_cast<double>(plan.pipeline), m = static_cast<double>(plan.micro_batches);
  const double chains = static_cast<double>(plan.replicas) * static_cast<double>(plan.tensor) *
                        static_cast<double>(plan.height) * static_cast<double>(plan.width);
  // Per rank: m F, m B, zeroing and update; at most one sum of a tie within it, and one send, receive and sum of a tie
  // with another rank. Per cut and micro-batch: a message of two steps each way.
  const double steps = chains * (p * (2 * m + 2 + 1 + 3) + 4 * m * (p - 1));
  if (steps > static_cast<double>(kStepLimit))
    throw InputError("the plan has too many steps", fmt::format("{} ranks x {} micro-batches = {:.3g} steps",
                                                                 p * chains, plan.micro_batches, steps),
                     fmt::format("at most {}", kStepLimit));
  return static_cast<std::int64_t>(steps);
}

Program lower(const Plan& plan, const Model& model, const std::vector<std::size_t>& cuts,
              const std::vector<DeviceId>& devices, const LowerOptions& options) {
  count_steps(plan);
  if (options.grid == nullptr)
    return Lowering(plan, model, options).run(cuts, devices, find_schedule(plan.schedule).order(shape_of(plan)));
  check_grid(*options.grid, shape_of(plan));
  Program program = Lowering(plan, model, options).run(cuts, devices, *options.grid);
  topological_order(program);
  return program;
}

Program lower(const Plan& plan, const Model& model, const std::vector<std::size_t>& cuts,
              const std::vector<DeviceId>& devices, const Grid& grid) {
  LowerOptions options;
  options.grid = &grid;
  return lower(plan, model, cuts, devices, options);
}

}  // namespace tandem
