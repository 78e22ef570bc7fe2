#include "plan/lower.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "base/error.hpp"
#include "plan/lowering.hpp"
#include "plan/offload.hpp"
#include "plan/recompute.hpp"
#include "plan/stage_memory.hpp"
#include "plan/verify.hpp"

namespace tandem {

/// Replicas share a layout unless they exchange activations, so that each has its own block of them.
Coordinate Lowering::shared_place(Coordinate at) const {
  if (!plan_.synchronised_batch_norm) at[MeshAxis::data] = 0;
  return at;
}

void Lowering::find_holders(const Grid& grid) {
  holders_ = holders_of(grid);
  std::vector<bool> splits(stage_total(), false);  // copies of a stage have one layout
  for (const Holder& holder : holders_)
    if (holder.splits_backward) splits[holder.stage] = true;
  for (Holder& holder : holders_) holder.splits_backward = splits[holder.stage];
  holder_of_.assign(std::size_t{stage_total()} * batches(), 0);
  for (std::uint32_t rank = 0; rank < grid.size(); ++rank)
    for (const Action& action : grid[rank]) {
      const auto holder = std::find(holders_.begin(), holders_.end(), Holder{rank, action.stage});
      holder_of_[action.stage * batches() + action.micro_batch] = static_cast<std::size_t>(holder - holders_.begin());
    }
}

std::vector<std::uint32_t> Lowering::workers_of(std::size_t holder) const {
  std::vector<std::uint32_t> lowered(within_count());
  std::iota(lowered.begin(), lowered.end(), static_cast<std::uint32_t>(holder * within_count()));
  return lowered;
}

std::vector<std::size_t> Lowering::holders_of_stage(std::uint32_t stage) const {
  std::vector<std::size_t> found;
  for (std::size_t i = 0; i < holders_.size(); ++i)
    if (holders_[i].stage == stage) found.push_back(i);
  return found;
}

/// The gradients of a stage with several copies are summands on each.
void Lowering::share_copies(Sharding& sharding, const std::vector<std::size_t>& bounds) const {
  LocalModel& local = sharding.local;
  for (std::uint32_t stage = 0; stage < stage_total(); ++stage) {
    if (holders_of_stage(stage).size() < 2) continue;
    for (std::uint32_t i = 0; i < local.parameters.size(); ++i) {
      const std::size_t layer = index_of(local.model.parameter(static_cast<ParameterId>(i)).layer);
      if (layer >= bounds[stage] && layer < bounds[stage + 1])
        local.parameters[i].partial[static_cast<std::size_t>(MeshAxis::pipeline)] = true;
    }
  }
}

/// One layout per stage and position on the dividing axes.
void Lowering::add_layouts() {
  const LayoutChoice choice = choose_layouts(plan_, model_);
  std::vector<std::size_t> choice_cuts;
  for (const std::size_t cut : cuts_) {
    const std::string& before = model_.layer(static_cast<LayerId>(cut - 1)).name;
    std::size_t index = 0;
    while (choice.model.layers()[index].name != before) ++index;
    choice_cuts.push_back(index + 1);
  }
  for (std::uint32_t within = 0; within < within_count(); ++within) {
    const Coordinate at = mesh_.coordinate_of(within);
    if (!(shared_place(at) == at)) continue;
    auto sharding = std::make_shared<Sharding>(shard(choice, model_, mesh_, at, plan_.micro_batch_size));
    std::vector<std::size_t> bounds{0};
    for (const std::size_t cut : choice_cuts) bounds.push_back(local_cut(*sharding, cut));
    bounds.push_back(sharding->local.model.layer_count());
    share_copies(*sharding, bounds);
    const std::uint32_t local = builder_.add_local_model(std::shared_ptr<const LocalModel>(sharding, &sharding->local));
    for (std::uint32_t stage = 0; stage < stage_total(); ++stage)
      add_layout(stage, within, local, bounds[stage], bounds[stage + 1]);
  }
}

void Lowering::add_layout(std::uint32_t stage, std::uint32_t within, std::uint32_t local, std::size_t first,
                          std::size_t last) {
  const LocalModel& own = builder_.local_model(local);
  SegmentOptions options{plan_.overlap, plan_.bucket};
  options.zero = plan_.offload_weights ? 3 : plan_.zero;
  options.all_in_buckets = plan_.offload_weights || updates_on_host();
  options.split_backward = holders_[holder_of(stage, 0)].splits_backward;
  const Recompute policy = parse_recompute(plan_.recompute);
  const bool counts = policy.kind == Recompute::Kind::optimal;
  options.recompute = recompute_ranges(policy, own, first, last, plan_.micro_batch_size,
                                       counts ? micro_batches_under_way(plan_).at(stage) : 1, plan_.repeat_collectives);
  options.float_gradients = plan_.float_gradients;
  options.repeat_collectives = plan_.repeat_collectives;
  OffloadUnits units = offload_units(parse_offload(plan_.offload), own, first, last);
  options.offload = std::move(units.ranges);
  options.offload_inbox = units.inbox;
  StageLayout layout;
  layout.segment_layout = lay_out_segment(own, first, last, plan_.micro_batch_size, options);
  layout.segment_layout.local_model = local;
  layout.segment_layout.stage = stage;
  for (std::size_t way = 0; way < kWays; ++way)
    layout.uses[way] = uses_of_parts(layout.segment_layout, own.model, static_cast<Way>(way));
  layout.segment = builder_.add_segment(layout.segment_layout);
  layouts_.emplace(std::pair(stage, within), std::move(layout));
}

/// A rank that runs one stage only, its own, is called by that stage.
void Lowering::add_workers() {
  const bool one_each = holders_.size() == mesh_.size(MeshAxis::pipeline) && holders_.size() == stage_total();
  for (std::uint32_t rank = 0; rank < mesh_.workers(); ++rank) {
    const Coordinate at = mesh_.coordinate_of(rank);
    const auto stages = static_cast<std::uint32_t>(std::count_if(
        holders_.begin(), holders_.end(), [&](const Holder& holder) { return holder.rank == at[MeshAxis::pipeline]; }));
    const bool by_stage = one_each && holders_[at[MeshAxis::pipeline]].stage == at[MeshAxis::pipeline];
    workers_.push_back(builder_.add_worker(mesh_.worker_name(at, by_stage ? "stage" : "rank"), rank, devices_[rank], at,
                                           stages));
  }
  lowered_.reserve(holders_.size() * within_count());
  for (const Holder& holder : holders_)
    for (std::uint32_t within = 0; within < within_count(); ++within) lowered_.push_back(lowered_stage(holder, within));
}

LoweredStage Lowering::lowered_stage(const Holder& holder, std::uint32_t within) {
  LoweredStage stage;
  Coordinate shared = shared_place(mesh_.coordinate_of(within));
  stage.at = mesh_.coordinate_of(within);
  stage.at[MeshAxis::pipeline] = holder.rank;
  stage.worker = workers_[mesh_.rank_of(stage.at)];
  stage.shared = &layouts_.at({holder.stage, mesh_.rank_of(shared)});
  stage.layout = &stage.shared->segment_layout;
  const Segment& layout = *stage.layout;
  const auto add_works = [&](Way way, const std::vector<SegmentPart>& parts, StepKind kind) {
    for (std::uint32_t part = 0; part < parts.size(); ++part)
      stage.works[static_cast<std::size_t>(way)].push_back(builder_.add_work(
          {parts[part].recomputes ? StepKind::recompute : kind, stage.worker, stage.shared->segment, part}));
    stage.steps[static_cast<std::size_t>(way)].assign(batches() * parts.size(), kNone<StepId>);
  };
  const bool splits = !layout.weight_parts.empty();
  add_works(Way::forward, layout.forward_parts, StepKind::forward);
  add_works(Way::backward, layout.backward_parts, splits ? StepKind::input_gradient : StepKind::backward);
  add_works(Way::weight, layout.weight_parts, StepKind::weight_gradient);
  if (!parts_weights())
    stage.weights = buffer(stage, BufferClass::weight, BufferContent::weights, layout.weight_bytes, 0);
  stage.slots = {stage.weights};
  if (!parts_gradients())
    stage.gradients = buffer(stage, BufferClass::gradient, BufferContent::gradients, layout.gradient_bytes, 0);
  make_buffers(holder, stage);
  return stage;
}

Program Lowering::run(const std::vector<std::size_t>& cuts, const std::vector<DeviceId>& devices, const Grid& grid) {
  invariant(cuts.size() + 1 == stage_count(grid), "a stage for every part of the model");
  invariant(grid.size() == mesh_.size(MeshAxis::pipeline), "a row for every pipeline rank");
  invariant(devices.size() == mesh_.workers(), "every worker lives on a device");
  invariant(model_.stored() == plan_.precision, "the model is stored as the plan says");
  cuts_ = cuts;
  devices_ = devices;
  builder_.set_mesh(mesh_);
  builder_.reserve(static_cast<std::size_t>(count_steps(plan_)));
  find_holders(grid);
  find_rounds(grid);
  check_sharding(plan_, holders_, stage_total(), versions_.rounds);
  add_layouts();
  add_workers();
  for (std::uint32_t stage = 0; stage < stage_total(); ++stage) find_buckets(stage);
  for (std::uint32_t index = 0; index < lowered_.size(); ++index) make_shards(index);
  share_hand_overs();
  for (std::size_t holder = 0; holder < holders_.size(); ++holder)
    collectives_.push_back({collectives_of(holder, Way::forward), collectives_of(holder, Way::backward),
                            collectives_of(holder, Way::weight)});
  for (std::uint32_t round = 0; round < versions_.rounds; ++round) add_round(round, grid);
  for (LoweredStage& stage : lowered_)
    for (const std::uint32_t batch : stage.order_of(Way::forward)) add_local_buffers(stage, batch);
  connect_stages();
  add_host_updates();
  add_streams();
  add_offloads();
  add_copies();
  return std::move(builder_).finish(batches(), versions_.rounds);
}

namespace {

/// What is the same of a schedule at every size: do ranks run I and W apart, and on how many does a stage live?
struct Makeup {
  bool splits_backward = false;
  double copies = 1;
};

Makeup makeup_of(const Schedule& row) {
  const Grid grid = row.order({4, 8, 2});
  const std::vector<Holder> holders = holders_of(grid);
  const bool splits = std::any_of(holders.begin(), holders.end(), [](const auto& holder) { return holder.splits_backward; });
  return {splits, static_cast<double>(holders.size()) / stage_count(grid)};
}

}  // namespace

std::int64_t count_steps(const Plan& plan) {
  const double p = static_cast<double>(stage_count(plan)), m = static_cast<double>(plan.micro_batches);
  const double chains = static_cast<double>(plan.replicas) * static_cast<double>(plan.tensor) *
                        static_cast<double>(plan.height) * static_cast<double>(plan.width);
  const Schedule& row = schedule_row(plan);
  const Makeup makeup = makeup_of(row);
  const double passes = is_automatic(plan) || makeup.splits_backward ? 3 : 2;
  const double group = row.updates == Updates::double_buffered ? static_cast<double>(plan.pipeline) : 1;
  const double rounds = row.updates == Updates::at_flush ? 1 : m / group;
  // Per stage: m F and m B, or I and W; for each copy of it each round zeroing and update, at most one sum of a tie
  // within it, and one send, receive and sum of a tie with another one; copies sum their gradients. Per cut and
  // micro-batch: a message of two steps each way.
  const double each = 2 + 1 + 3 + (makeup.copies > 1 ? 1 : 0);
  const double steps = chains * (p * (passes * m + makeup.copies * rounds * each) + 4 * m * (p - 1));
  if (steps > static_cast<double>(kStepLimit))
    throw InputError("the plan has too many steps", fmt::format("{} ranks x {} micro-batches = {:.3g} steps",
                                                                 p * chains, plan.micro_batches, steps),
                     fmt::format("at most {}", kStepLimit));
  return static_cast<std::int64_t>(steps);
}

namespace {

/// One stage per rank, and no backward in halves: of these any window lets the table's orders run.
bool is_plain(const Grid& grid) {
  const std::vector<Holder> holders = holders_of(grid);
  return holders.size() == grid.size() && stage_count(grid) == grid.size() &&
         std::none_of(holders.begin(), holders.end(), [](const Holder& holder) { return holder.splits_backward; });
}

}  // namespace

Program lower(const Plan& plan, const Model& model, const std::vector<std::size_t>& cuts,
              const std::vector<DeviceId>& devices, const LowerOptions& options) {
  count_steps(plan);
  const Grid grid = options.grid != nullptr ? *options.grid : schedule_grid(plan);
  if (options.grid != nullptr) check_grid(grid, shape_of(plan));
  if (options.grid == nullptr && is_plain(grid)) return Lowering(plan, model, options).run(cuts, devices, grid);
  Plan wider = plan;
  for (;; wider.window *= 2) {
    Program program = Lowering(wider, model, options).run(cuts, devices, grid);
    try {
      topological_order(program);
      return program;
    } catch (const InputError&) {
      if (wider.window >= plan.micro_batches) throw;
    }
  }
}

Program lower(const Plan& plan, const Model& model, const std::vector<std::size_t>& cuts,
              const std::vector<DeviceId>& devices, const Grid& grid) {
  LowerOptions options;
  options.grid = &grid;
  return lower(plan, model, cuts, devices, options);
}

}  // namespace tandem
