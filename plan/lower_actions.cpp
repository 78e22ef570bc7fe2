// The steps of one stage's workers, action by action: parts on the compute streams, collectives between them.

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
                         std::int64_t elements, std::int64_t samples) {
  CollectiveShape shape{.kind = kind, .ranks = ranks, .ranks_per_node = 1, .bounds = collective.bounds, .strips = collective.strips};
  for (std::int64_t& bound : shape.bounds) bound *= samples;
  for (HaloStrips& strips : shape.strips)
    for (ElementRange* range : {&strips.from_before, &strips.from_after, &strips.to_before, &strips.to_after}) {
      range->first *= samples;
      range->count *= samples;
    }
  if (shape.bounds.empty()) shape.bounds = equal_bounds(elements, ranks);
  return shape;
}

}  // namespace

std::vector<std::vector<std::uint32_t>> Lowering::groups(const Stage& stage,
                                                         const std::array<bool, kMeshAxes>& along) const {
  std::map<std::uint32_t, std::vector<std::uint32_t>> by_first;  // the group's rank with zero along these axes
  for (std::uint32_t i = 0; i < stage.workers.size(); ++i) {
    Coordinate first = workers_[stage.workers[i]].at;
    for (std::size_t axis = 0; axis < kMeshAxes; ++axis)
      if (along[axis]) first.at[axis] = 0;
    by_first[mesh_.rank_of(first)].push_back(i);
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

/// The collective at `index` of the direction's list, which all workers of a stage share.
CollectiveSpecId Lowering::add_spec(const Stage& stage, const std::vector<std::uint32_t>& group, std::size_t index,
                                    bool forward) {
  CollectiveSpec spec;
  for (const std::uint32_t member : group) {
    const LoweredStage& worker = workers_[stage.workers[member]];
    const Segment& layout = *worker.layout;
    const auto& places = forward ? layout.forward_collectives : layout.backward_collectives;
    const LayerPlan& layer = layout.layers[places.at(index).layer];
    const Placement& vector = forward ? layer.output : layer.output_gradient;
    invariant(vector.place != Place::none, "a collective has a vector");
    spec.members.push_back(worker.worker);
    spec.payloads.push_back({content_of(vector.place), vector.offset});
  }
  const Segment& layout = *workers_[stage.workers[group[0]]].layout;
  const LocalModel& local = builder_.local_model(layout.local_model);
  const auto& place = (forward ? layout.forward_collectives : layout.backward_collectives)[index];
  const LayerId id = layout.layers[place.layer].layer;
  const LayerCollective& collective = *local.layers[index_of(id)].collective;
  const CollectiveKind kind = forward ? *collective.forward : *collective.backward;
  const TensorSpec& tensor = local.model.layer(id).output;
  const std::int64_t batch = plan_.micro_batch_size;
  spec.name = fmt::format("{}{} {}", local.model.layer(id).name, forward ? "" : " backward", name_of(kind));
  spec.shape = shape_of(collective, kind, static_cast<std::uint32_t>(group.size()), tensor.elements(batch),
                        tensor.per_sample ? batch : 1);
  spec.stream = stream_of(collective.axis);
  spec.algorithm = &algorithm_for(spec.shape, spec.members);
  return builder_.add_collective_spec(std::move(spec));
}

std::vector<Lowering::StageCollective> Lowering::collectives_of(const Stage& stage, bool forward) {
  std::vector<StageCollective> collectives;
  const Segment& layout = *workers_[stage.workers[0]].layout;
  const LocalModel& local = builder_.local_model(layout.local_model);
  const auto& places = forward ? layout.forward_collectives : layout.backward_collectives;
  for (std::size_t index = 0; index < places.size(); ++index) {
    const LayerId layer = layout.layers[places[index].layer].layer;
    std::array<bool, kMeshAxes> along{};
    along[static_cast<std::size_t>(local.layers[index_of(layer)].collective->axis)] = true;
    StageCollective entry{index, {}, groups(stage, along)};
    for (const auto& group : entry.members) entry.specs.push_back(add_spec(stage, group, index, forward));
    collectives.push_back(std::move(entry));
  }
  return collectives;
}

void Lowering::begin(LoweredStage& worker) {
  worker.begin = builder_.add_compute(
      builder_.add_work({StepKind::zero_gradients, worker.worker, worker.shared->segment}), 0);
  builder_.use(worker.begin, worker.gradients, Access::write);
}

void Lowering::add_parts(LoweredStage& worker, const Action& action) {
  const bool forward = action.kind == StepKind::forward;
  const std::vector<WorkId>& works = forward ? worker.forward : worker.backward;
  const auto& uses = forward ? worker.shared->forward_uses : worker.shared->backward_uses;
  (forward ? worker.forward_order : worker.backward_order).push_back(action.micro_batch);
  for (std::size_t part = 0; part < works.size(); ++part) {
    const StepId step = builder_.add_compute(works[part], action.micro_batch);
    (forward ? worker.forward_step : worker.backward_step)[action.micro_batch * works.size() + part] = step;
    builder_.use(step, worker.weights, Access::read);
    if (!forward) builder_.use(step, worker.gradients, Access::read_write);
    if (!forward) worker.gradients_ready = step;
    for (const auto& [content, access] : uses[part])
      builder_.use(step, local_buffer(worker, action.micro_batch, content, forward), access);
  }
}

void Lowering::add_collective(Stage& stage, const StageCollective& entry, std::size_t group, const Action& action) {
  const bool forward = action.kind == StepKind::forward;
  const CollectiveId collective = builder_.add_collective(entry.specs[group], action.micro_batch);
  const CollectiveSpec& spec = builder_.spec(entry.specs[group]);
  for (std::uint32_t rank = 0; rank < entry.members[group].size(); ++rank) {
    LoweredStage& worker = workers_[stage.workers[entry.members[group][rank]]];
    const StepId step = builder_.step_of(collective, rank);
    const auto part = [&](std::uint32_t index) {
      return forward ? worker.forward_part(action.micro_batch, index) : worker.backward_part(action.micro_batch, index);
    };
    const auto& places = forward ? worker.layout->forward_collectives : worker.layout->backward_collectives;
    builder_.add_after(step, part(places.at(entry.index).after_part));
    builder_.add_after(part(places.at(entry.index).before_part), step);
    builder_.use(step, local_buffer(worker, action.micro_batch, spec.payloads[rank].content, forward),
                 Access::read_write);
  }
}

/// Parts of all workers first, so that a collective finds the steps that it stands between.
void Lowering::add_action(Stage& stage, const Action& action) {
  for (const std::uint32_t rank : stage.workers) add_parts(workers_[rank], action);
  for (const StageCollective& entry : action.kind == StepKind::forward ? stage.forward : stage.backward)
    for (std::size_t group = 0; group < entry.specs.size(); ++group) add_collective(stage, entry, group, action);
}

void Lowering::add_stage(std::uint32_t index, const std::vector<Action>& actions) {
  stages_.emplace_back();
  Stage& stage = stages_.back();
  for (std::uint32_t rank = 0; rank < mesh_.workers(); ++rank)
    if (workers_[rank].at[MeshAxis::pipeline] == index) stage.workers.push_back(rank);
  for (const std::uint32_t rank : stage.workers) begin(workers_[rank]);
  stage.forward = collectives_of(stage, true);
  stage.backward = collectives_of(stage, false);
  for (const Action& action : actions) add_action(stage, action);
}

}  // namespace tandem
