// The steps of a pipeline rank's workers, action by action: parts on the compute streams, collectives between them.

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "base/error.hpp"
#include "plan/lowering.hpp"

namespace tandem {
namespace {

StreamKind stream_of(MeshAxis axis) {
  switch (axis) {
    case MeshAxis::data: return StreamKind::data;
    case MeshAxis::height: return StreamKind::height;
    case MeshAxis::width: return StreamKind::width;
    default: return StreamKind::tensor;
  }
}

/// Vector of one micro-batch: blocks and strips are those of one sample, times the samples.
CollectiveShape shape_of(const LayerCollective& collective, CollectiveKind kind, std::uint32_t ranks,
                         std::int64_t elements, std::int64_t samples, ElementType type) {
  CollectiveShape shape{.kind = kind, .ranks = ranks, .ranks_per_node = 1, .bounds = collective.bounds, .strips = collective.strips};
  for (std::int64_t& bound : shape.bounds) bound *= samples;
  for (HaloStrips& strips : shape.strips)
    for (ElementRange* range : {&strips.from_before, &strips.from_after, &strips.to_before, &strips.to_after}) {
      range->first *= samples;
      range->count *= samples;
    }
  if (shape.bounds.empty()) shape.bounds = equal_bounds(elements, ranks);
  shape.type = type;
  return shape;
}

}  // namespace

std::vector<std::vector<std::uint32_t>> Lowering::groups(const std::vector<std::uint32_t>& lowered,
                                                         const std::array<bool, kMeshAxes>& along) const {
  std::map<std::uint32_t, std::vector<std::uint32_t>> by_first;  // the group's rank with zero along these axes
  for (const std::uint32_t index : lowered) {
    Coordinate first = lowered_[index].at;
    for (std::size_t axis = 0; axis < kMeshAxes; ++axis)
      if (along[axis]) first.at[axis] = 0;
    by_first[mesh_.rank_of(first)].push_back(index);
  }
  std::vector<std::vector<std::uint32_t>> groups;
  for (auto& [first, members] : by_first) groups.push_back(std::move(members));
  return groups;
}

const CollectiveAlgorithm& Lowering::algorithm_for(CollectiveShape& shape, const std::vector<WorkerId>& members) const {
  std::vector<DeviceId> devices;
  for (const WorkerId member : members) devices.push_back(devices_[index_of(member)]);
  if (options_.choose) return options_.choose(shape, devices);
  return suitable_algorithm(find_collective_algorithm(plan_.collective == "auto" ? "ring" : plan_.collective), shape);
}

namespace {

/// The way's collectives, and where their vectors lie.
const std::vector<SegmentCollective>& collectives_in(const Segment& segment, Way way) {
  if (way == Way::forward) return segment.forward_collectives;
  return way == Way::backward ? segment.backward_collectives : segment.weight_collectives;
}

const Placement& vector_of(const Segment& segment, Way way, const SegmentCollective& place) {
  const LayerPlan& layer = segment.layers[place.layer];
  if (way == Way::forward) return layer.output;
  return place.again ? layer.again_output : layer.output_gradient;
}

}  // namespace

/// The collective at `index` of the way's list, which all workers of a stage share.
CollectiveSpecId Lowering::add_spec(const std::vector<std::uint32_t>& group, std::size_t index, Way way) {
  CollectiveSpec spec;
  for (const std::uint32_t member : group) {
    const LoweredStage& stage = lowered_[member];
    const Placement& vector = vector_of(*stage.layout, way, collectives_in(*stage.layout, way).at(index));
    invariant(vector.place != Place::none, "a collective has a vector");
    spec.members.push_back(stage.worker);
    spec.payloads.push_back({content_of(vector.place), vector.offset, vector.group});
  }
  const Segment& layout = *lowered_[group[0]].layout;
  const LocalModel& local = builder_.local_model(layout.local_model);
  const SegmentCollective& place = collectives_in(layout, way)[index];
  const LayerId id = layout.layers[place.layer].layer;
  const LayerCollective& collective = *local.layers[index_of(id)].collective;
  const bool forward = way == Way::forward || place.again;
  const CollectiveKind kind = forward ? *collective.forward : *collective.backward;
  const TensorSpec& tensor = local.model.layer(id).output;
  const std::int64_t samples = local.model.samples(id, plan_.micro_batch_size);
  const std::string_view turn = way == Way::forward ? "" : place.again ? " again" : " backward";
  spec.name = fmt::format("{}{} {}", local.model.layer(id).name, turn, name_of(kind));
  spec.shape = shape_of(collective, kind, static_cast<std::uint32_t>(group.size()), tensor.elements(samples),
                        tensor.per_sample ? samples : 1, tensor.type);
  spec.stream = stream_of(collective.axis);
  spec.algorithm = &algorithm_for(spec.shape, spec.members);
  return builder_.add_collective_spec(std::move(spec));
}

std::vector<Lowering::StageCollective> Lowering::collectives_of(std::size_t holder, Way way) {
  std::vector<StageCollective> collectives;
  const std::vector<std::uint32_t> stages = workers_of(holder);
  const Segment& layout = *lowered_[stages[0]].layout;
  const LocalModel& local = builder_.local_model(layout.local_model);
  const auto& places = collectives_in(layout, way);
  for (std::size_t index = 0; index < places.size(); ++index) {
    const LayerId layer = layout.layers[places[index].layer].layer;
    std::array<bool, kMeshAxes> along{};
    along[static_cast<std::size_t>(local.layers[index_of(layer)].collective->axis)] = true;
    StageCollective entry{index, {}, groups(stages, along)};
    for (const auto& group : entry.members) entry.specs.push_back(add_spec(group, index, way));
    collectives.push_back(std::move(entry));
  }
  return collectives;
}

void Lowering::begin(LoweredStage& stage) {
  if (parts_gradients()) return begin_shards(stage);
  if (stage.zero == kNone<WorkId>)
    stage.zero = builder_.add_work({StepKind::zero_gradients, stage.worker, stage.shared->segment});
  const StepId zero = builder_.add_compute(stage.zero, 0);
  builder_.use(zero, stage.gradients, Access::write);
  if (stage.begin == kNone<StepId>) stage.begin = zero;
}

void Lowering::add_parts(LoweredStage& stage, Way way, std::uint32_t batch) {
  const std::vector<WorkId>& works = stage.works_of(way);
  const std::size_t slot = slot_for(stage, batch);
  stage.order_of(way).push_back(batch);
  for (std::size_t part = 0; part < works.size(); ++part) {
    before_part(stage, way, static_cast<std::uint32_t>(part), batch);
    const StepId step = builder_.add_compute(works[part], batch);
    stage.part(way, batch, part) = step;
    if (!parts_weights()) read_weights(stage, slot, step);
    const bool adds = way == stage.gradient_way() && builder_.work(works[part]).kind != StepKind::recompute;
    if (adds && !parts_gradients()) builder_.use(step, stage.gradients, Access::read_write);
    if (adds) stage.gradients_ready = step;
    use_shards(stage, way, static_cast<std::uint32_t>(part), step, adds, slot);
    for (const PartUse& use : stage.uses(way)[part]) use_local(stage, batch, use, way, step);
  }
}

void Lowering::add_collective(const StageCollective& entry, std::size_t group, Way way, std::uint32_t batch) {
  const CollectiveId collective = builder_.add_collective(entry.specs[group], batch);
  const CollectiveSpec& spec = builder_.spec(entry.specs[group]);
  for (std::uint32_t rank = 0; rank < entry.members[group].size(); ++rank) {
    LoweredStage& stage = lowered_[entry.members[group][rank]];
    const StepId step = builder_.step_of(collective, rank);
    const SegmentCollective& place = collectives_in(*stage.layout, way).at(entry.index);
    builder_.add_after(step, stage.part(way, batch, place.after_part));
    builder_.add_after(stage.part(way, batch, place.before_part), step);
    const CollectivePayload& payload = spec.payloads[rank];
    use_local(stage, batch, {payload.content, Access::read_write, payload.group}, way, step);
  }
}

/// Parts of all workers first, so that a collective finds the steps that it stands between.
void Lowering::add_way(std::size_t holder, Way way, std::uint32_t batch) {
  for (const std::uint32_t index : workers_of(holder)) add_parts(lowered_[index], way, batch);
  for (const std::uint32_t index : workers_of(holder)) after_way(lowered_[index], way, batch);
  join_shards(holder, way, batch);
  for (const StageCollective& entry : collectives_[holder][static_cast<std::size_t>(way)])
    for (std::size_t group = 0; group < entry.specs.size(); ++group) add_collective(entry, group, way, batch);
}

void Lowering::add_action(std::size_t holder, const Action& action) {
  const bool splits = holders_[holder].splits_backward;
  if (action.kind == StepKind::forward) return add_way(holder, Way::forward, action.micro_batch);
  if (action.kind != StepKind::weight_gradient) add_way(holder, Way::backward, action.micro_batch);
  if (splits && action.kind != StepKind::input_gradient) add_way(holder, Way::weight, action.micro_batch);
}

void Lowering::add_rank(std::uint32_t rank, std::span<const Action> actions) {
  for (std::size_t holder = 0; holder < holders_.size(); ++holder)
    if (holders_[holder].rank == rank)
      for (const std::uint32_t index : workers_of(holder)) begin(lowered_[index]);
  for (const Action& action : actions) {
    const auto holder = std::find(holders_.begin(), holders_.end(), Holder{rank, action.stage});
    add_action(static_cast<std::size_t>(holder - holders_.begin()), action);
  }
}

}  // namespace tandem
