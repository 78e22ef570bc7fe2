#include "plan/prices.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.hpp"
#include "plan/part_touches.hpp"
#include "plan/region_share.hpp"
#include "plan/route_pricing.hpp"

namespace tandem {
namespace {

/// What each kind of plain work moves: a weight that has no master copy is read, too.
Work plain_work(PlainWork kind, std::int64_t elements, const Optimizer& optimizer, ElementType type, ElementType gradients) {
  const Bytes once = bytes_of(type) * elements, states = optimizer.state_bytes(type, once);
  const Bytes weight = type == ElementType::float32 ? once : Bytes{}, gradient = bytes_of(gradients) * elements;
  const bool adam = optimizer.kind == OptimizerKind::adam;
  switch (kind) {
    case PlainWork::zero: return {{}, 0, 0, Bytes{0}, gradient};
    case PlainWork::add: return {{}, elements, 0, gradient * 2, gradient};
    case PlainWork::update: break;
  }
  // Adam: two running averages, two corrections, a root and a quotient; SGD: one multiply-add.
  return {{}, elements * (adam ? 11 : 2), adam ? elements : 0, gradient + weight + states, once + states};
}

/// Adds up the costs of a step's kernels; its source is the weakest of theirs. That nothing takes no time is reckoned,
/// not recorded.
class Sum {
 public:
  Sum(const CostModel& costs, const Device& device) : costs_(costs), device_(device) {}
  void add(const std::string& signature, const Work& work, double share = 1) {
    const Cost whole = costs_.kernel(signature, work, device_);
    add({whole.time * share, whole.source});
  }
  void add_copy(Bytes bytes) { add(costs_.copy(bytes, device_)); }
  Cost total() const { return total_.time.value > 0 ? total_ : Cost{Seconds{0}, CostSource::roofline}; }

 private:
  void add(const Cost& cost) {
    if (cost.time.value == 0) return;
    total_.time += cost.time;
    total_.source = std::max(total_.source, cost.source);
  }

  const CostModel& costs_;
  const Device& device_;
  Cost total_{Seconds{0}, CostSource::recorded};
};

/// Prices the works of one Program.
class Pricing {
 public:
  Pricing(const Program& program, const Model& model, const Cluster& cluster, const CostModel& costs,
          const Optimizer& optimizer)
      : program_(program), model_(model), cluster_(cluster), costs_(costs), optimizer_(optimizer) {}

  WorkPrice work(WorkId id) const;

 private:
  void add_part(const StepWork& work, Sum& sum) const;
  void add_layers(const StepWork& work, Sum& sum) const;
  void add_item(const Segment& segment, const Model& model, const PassItem& item, Sum& sum) const;
  void add_boundary(const StepWork& work, Sum& sum) const;
  void add_plain(const StepWork& work, Sum& sum) const;
  void add_sums(WorkId id, Sum& sum) const;
  bool sums_within(WorkId id) const;
  bool is_parted(const Model& model, const Segment& segment, const SegmentParameter& row) const;
  void add_copies(const std::vector<BoundaryCopy>& copies, Sum& sum) const;
  void plain(PlainWork kind, std::int64_t elements, const Segment& of, Sum& sum) const {
    sum.add(plain_signature(kind, elements, optimizer_, of.weight_type, of.gradient_type),
            plain_work(kind, elements, optimizer_, of.weight_type, of.gradient_type));
  }
  /// A segment in parts is one of a rank's own model.
  const Model& model_of(SegmentId id) const {
    return program_.segment(id).forward_parts.empty() ? model_ : program_.local(id).model;
  }

  const Program& program_;
  const Model& model_;
  const Cluster& cluster_;
  const CostModel& costs_;
  const Optimizer& optimizer_;
};

bool runs(StepKind kind, Pass pass) {
  if (kind == StepKind::forward) return pass == Pass::forward;
  if (kind == StepKind::backward) return pass != Pass::forward;
  if (kind == StepKind::input_gradient) return pass == Pass::input_gradient;
  return kind == StepKind::weight_gradient && pass == Pass::weight_gradient;
}

bool has_pass(const LayerPlan& layer, Pass pass) {
  if (pass == Pass::forward) return true;
  return pass == Pass::input_gradient ? layer.runs_input_gradient : layer.runs_weight_gradient;
}

void Pricing::add_copies(const std::vector<BoundaryCopy>& copies, Sum& sum) const {
  for (const BoundaryCopy& copy : copies) sum.add_copy(copy.bytes);
}

void Pricing::add_item(const Segment& segment, const Model& model, const PassItem& item, Sum& sum) const {
  const LayerPlan& plan = segment.layers[item.layer];
  const LayerId layer = plan.layer;
  sum.add(kernel_signature(model, layer, item.pass, segment.batch), model.work(layer, item.pass, segment.batch),
          share_of(model, plan, item.region));
}

/// Of a segment without parts: all layers.
void Pricing::add_layers(const StepWork& work, Sum& sum) const {
  const Segment& segment = program_.segment(work.segment);
  for (std::uint32_t i = 0; i < segment.layers.size(); ++i)
    for (const Pass pass : {Pass::forward, Pass::input_gradient, Pass::weight_gradient})
      if (runs(work.kind, pass) && has_pass(segment.layers[i], pass))
        add_item(segment, model_of(work.segment), {i, pass}, sum);
}

void Pricing::add_part(const StepWork& work, Sum& sum) const {
  const Segment& segment = program_.segment(work.segment);
  if (segment.forward_parts.empty()) return add_layers(work, sum);
  for (const PassItem& item : parts_of(segment, work.kind).at(work.part).items)
    add_item(segment, model_of(work.segment), item, sum);
}

/// Copies into the outbox end the last part of F; those of gradients begin the first part of B.
void Pricing::add_boundary(const StepWork& work, Sum& sum) const {
  const Segment& segment = program_.segment(work.segment);
  const std::size_t parts = std::max<std::size_t>(segment.forward_parts.size(), 1);
  if (work.kind == StepKind::forward && work.part + 1 == parts) add_copies(segment.forward_copies, sum);
  const bool gradients_arrive = work.kind == StepKind::backward || work.kind == StepKind::input_gradient;
  if (gradients_arrive && work.part == segment.first_gradient_part()) add_copies(segment.backward_copies, sum);
}

void Pricing::add_plain(const StepWork& work, Sum& sum) const {
  const Segment& segment = program_.segment(work.segment);
  for (const SegmentParameter& row : segment.parameters)
    if (work.kind == StepKind::zero_gradients && program_.ranges(work).empty())
      plain(PlainWork::zero, row.elements, segment, sum);
  for (const ParameterRange& range : program_.ranges(work)) {
    if (work.kind == StepKind::zero_gradients) plain(PlainWork::zero, range.elements, segment, sum);
    if (work.kind == StepKind::add_gradient) plain(PlainWork::add, range.elements, segment, sum);
    if (work.kind == StepKind::update) plain(PlainWork::update, range.elements, segment, sum);
    if (work.kind == StepKind::own_block) sum.add_copy(bytes_of(segment.weight_type) * range.elements);
  }
}

/// Is one use of this tied parameter here and the other in another segment?
bool Pricing::is_parted(const Model& model, const Segment& segment, const SegmentParameter& row) const {
  if (model.parameter(row.parameter).tied_to) return row.updated;
  return std::any_of(model.parameters().begin(), model.parameters().end(), [&](const Parameter& user) {
    const std::size_t layer = index_of(user.layer);
    return user.tied_to == row.parameter && (layer < segment.first || layer >= segment.last);
  });
}

/// Does this step sum the ties within its segment? Where it has such ties, their sum comes before that with another
/// one.
bool Pricing::sums_within(WorkId id) const {
  const StepWork& work = program_.works()[index_of(id)];
  const auto& rows = program_.segment(work.segment).parameters;
  const auto earlier = program_.works().first(index_of(id));
  return std::any_of(rows.begin(), rows.end(), [](const auto& row) { return !row.updated; }) &&
         std::none_of(earlier.begin(), earlier.end(), [&](const StepWork& other) {
           return other.kind == StepKind::add_gradient && other.segment == work.segment && other.part == 0;
         });
}

void Pricing::add_sums(WorkId id, Sum& sum) const {
  const SegmentId of = program_.works()[index_of(id)].segment;
  const Segment& segment = program_.segment(of);
  const bool within = sums_within(id);
  for (const SegmentParameter& row : segment.parameters)
    if (within ? !row.updated : is_parted(model_of(of), segment, row))
      plain(PlainWork::add, row.elements, segment, sum);
}

WorkPrice Pricing::work(WorkId id) const {
  if (const auto recorded = costs_.recorded(step_key(program_, id)))
    return {to_picoseconds(recorded->time), recorded->source};
  const StepWork& work = program_.works()[index_of(id)];
  const DeviceId device = program_.workers()[index_of(work.worker)].device;
  const Device* const computes = work.stream == StreamKind::host ? cluster_.host_of(device) : &cluster_.device(device);
  invariant(computes != nullptr, "the host that updates is known");
  Sum sum(costs_, *computes);
  if (is_pass(work.kind)) {
    add_part(work, sum);
    add_boundary(work, sum);
  }
  add_plain(work, sum);
  if (work.kind == StepKind::add_gradient && work.part == 0) add_sums(id, sum);
  return {to_picoseconds(sum.total().time), sum.total().source};
}

}  // namespace

std::string step_key(const Program& program, WorkId work) {
  const StepWork& row = program.works()[index_of(work)];
  const Worker& worker = program.workers()[index_of(row.worker)];
  std::string key = fmt::format("{} {}", worker.name, name_of(row.kind));
  if (worker.stages > 1) key += fmt::format(" of stage {}", program.segment(row.segment).stage);
  return row.part == 0 ? key : fmt::format("{} {}", key, row.part);
}

std::string plain_signature(PlainWork kind, std::int64_t elements, const Optimizer& optimizer, ElementType weights,
                            ElementType gradients) {
  static constexpr std::string_view kNames[] = {"zero", "add", "update"};
  std::string name(kNames[static_cast<std::size_t>(kind)]);
  const auto of = [](ElementType type) { return type == ElementType::bfloat16 ? " bf16" : ""; };
  if (kind != PlainWork::update) return fmt::format("{} {}{}", name, elements, of(gradients));
  name += optimizer.kind == OptimizerKind::adam ? " adam" : " sgd";
  return fmt::format("{} {}{}{}", name, elements, of(weights), weights == gradients ? "" : " of fp32");
}

Prices price(const Program& program, const Model& model, const Cluster& cluster, const CostModel& costs,
             const Optimizer& optimizer, NetworkMode network) {
  const Pricing pricing(program, model, cluster, costs, optimizer);
  Prices prices;
  RoutePricing routes(program, cluster, network, prices);
  for (const StepWork& work : program.works())
    if (work.stream == StreamKind::host) {
      prices.host_resource.resize(program.workers().size(), kExclusive);
      prices.host_resource[index_of(work.worker)] = routes.host_of(program.workers()[index_of(work.worker)].device);
    }
  for (std::uint32_t i = 0; i < program.works().size(); ++i)
    prices.works.push_back(pricing.work(static_cast<WorkId>(i)));
  for (const Worker& worker : program.workers()) {
    const Device& device = cluster.device(worker.device);
    prices.worker_resource.push_back(device.shares_cores ? routes.cores_of(worker.device) : kExclusive);
    prices.worker_forbids_overlap.push_back(device.bulk_synchronous);
  }
  for (const Channel& channel : program.channels()) routes.add_channel(channel);
  for (const CollectiveSpec& spec : program.collective_specs()) routes.add_collective(spec);
  for (const CopySpec& spec : program.copy_specs()) routes.add_copy(spec);
  for (std::uint32_t i = 0; i < cluster.device_count(); ++i) {
    const Device& device = cluster.device(static_cast<DeviceId>(i));
    const bool known = device.power_peak.value > 0;
    prices.power.push_back(known ? std::optional(DevicePower{device.power_idle, device.power_peak}) : std::nullopt);
  }
  return prices;
}

}  // namespace tandem
