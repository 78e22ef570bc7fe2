#include "plan/prices.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <utility>

#include "base/error.hpp"

namespace tandem {
namespace {

constexpr std::int64_t kBytesPerValue = 4;

/// Bytes that each kind of plain work moves, per value.
Work plain_work(PlainWork kind, std::int64_t elements, const Optimizer& optimizer) {
  const Bytes once = Bytes{kBytesPerValue} * elements;
  const bool adam = optimizer.kind == OptimizerKind::adam;
  switch (kind) {
    case PlainWork::zero: return {{}, 0, 0, Bytes{0}, once};
    case PlainWork::add: return {{}, elements, 0, once * 2, once};
    case PlainWork::update: break;
  }
  // Adam: two running averages, two corrections, a root and a quotient; SGD: one multiply-add.
  return {{}, elements * (adam ? 11 : 2), adam ? elements : 0, once * (2 + optimizer.states()),
          once * (1 + optimizer.states())};
}

/// Adds up the costs of a step's kernels; its source is the weakest of theirs. That nothing takes no time is reckoned,
/// not recorded.
class Sum {
 public:
  Sum(const CostModel& costs, const Device& device) : costs_(costs), device_(device) {}
  void add(const std::string& signature, const Work& work) { add(costs_.kernel(signature, work, device_)); }
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
  void add_channel(const Channel& channel, Prices& prices);
  void add_worker(const Worker& worker, Prices& prices);

 private:
  void add_layers(const StepWork& work, Sum& sum) const;
  void add_plain(const StepWork& work, Sum& sum) const;
  void add_sums(WorkId id, Sum& sum) const;
  bool sums_within(WorkId id) const;
  bool is_parted(const Segment& segment, const SegmentParameter& row) const;
  void add_copies(const std::vector<BoundaryCopy>& copies, Sum& sum) const;
  void plain(PlainWork kind, std::int64_t elements, Sum& sum) const {
    sum.add(plain_signature(kind, elements, optimizer_), plain_work(kind, elements, optimizer_));
  }
  std::uint32_t resource(const std::string& name, double capacity, std::vector<double> slowdown, Prices& prices);
  std::uint32_t cores_of(DeviceId device, Prices& prices);

  const Program& program_;
  const Model& model_;
  const Cluster& cluster_;
  const CostModel& costs_;
  const Optimizer& optimizer_;
  std::map<std::string, std::uint32_t> resources_;
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

void Pricing::add_layers(const StepWork& work, Sum& sum) const {
  const Segment& segment = program_.segment(work.segment);
  for (const LayerPlan& layer : segment.layers)
    for (const Pass pass : {Pass::forward, Pass::input_gradient, Pass::weight_gradient})
      if (runs(work.kind, pass) && has_pass(layer, pass))
        sum.add(kernel_signature(model_, layer.layer, pass, segment.batch),
                model_.work(layer.layer, pass, segment.batch));
  if (work.kind == StepKind::forward) add_copies(segment.forward_copies, sum);
  const bool gradients_arrive = work.kind == StepKind::backward || work.kind == StepKind::input_gradient;
  if (gradients_arrive) add_copies(segment.backward_copies, sum);
}

void Pricing::add_plain(const StepWork& work, Sum& sum) const {
  for (const SegmentParameter& row : program_.segment(work.segment).parameters) {
    if (work.kind == StepKind::zero_gradients) plain(PlainWork::zero, row.elements, sum);
    if (work.kind == StepKind::update && row.updated) plain(PlainWork::update, row.elements, sum);
  }
}

/// Is one use of this tied parameter here and the other in another segment?
bool Pricing::is_parted(const Segment& segment, const SegmentParameter& row) const {
  if (model_.parameter(row.parameter).tied_to) return row.updated;
  return std::any_of(model_.parameters().begin(), model_.parameters().end(), [&](const Parameter& user) {
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
           return other.kind == StepKind::add_gradient && other.segment == work.segment;
         });
}

void Pricing::add_sums(WorkId id, Sum& sum) const {
  const Segment& segment = program_.segment(program_.works()[index_of(id)].segment);
  const bool within = sums_within(id);
  for (const SegmentParameter& row : segment.parameters)
    if (within ? !row.updated : is_parted(segment, row)) plain(PlainWork::add, row.elements, sum);
}

WorkPrice Pricing::work(WorkId id) const {
  if (const auto recorded = costs_.recorded(step_key(program_, id)))
    return {to_picoseconds(recorded->time), recorded->source};
  const StepWork& work = program_.works()[index_of(id)];
  Sum sum(costs_, cluster_.device(program_.workers()[index_of(work.worker)].device));
  add_layers(work, sum);
  add_plain(work, sum);
  if (work.kind == StepKind::add_gradient) add_sums(id, sum);
  return {to_picoseconds(sum.total().time), sum.total().source};
}

std::uint32_t Pricing::resource(const std::string& name, double capacity, std::vector<double> slowdown,
                                Prices& prices) {
  const auto [at, is_new] = resources_.emplace(name, prices.resources.size());
  if (is_new) prices.resources.push_back({name, capacity, std::move(slowdown)});
  return at->second;
}

std::uint32_t Pricing::cores_of(DeviceId device, Prices& prices) {
  const Device& profile = cluster_.device(device);
  const std::string name = fmt::format("cores of device {}", index_of(device));
  std::vector<double> slowdown;
  if (!profile.concurrency.points.empty() && !resources_.contains(name))
    for (std::size_t n = 0; n <= 2 * program_.workers().size(); ++n)
      slowdown.push_back(profile.concurrency.at(std::max<std::int64_t>(1, static_cast<std::int64_t>(n))));
  return resource(name, static_cast<double>(profile.cores), std::move(slowdown), prices);
}

void Pricing::add_worker(const Worker& worker, Prices& prices) {
  const Device& profile = cluster_.device(worker.device);
  prices.worker_resource.push_back(profile.shares_cores ? cores_of(worker.device, prices) : kExclusive);
  prices.worker_forbids_overlap.push_back(profile.bulk_synchronous);
}

/// Between threads of one host a message is a copy by a core of it. Elsewhere each pair of devices has its own wire,
/// one per direction where it is full duplex.
void Pricing::add_channel(const Channel& channel, Prices& prices) {
  const DeviceId from = program_.workers()[index_of(channel.from)].device;
  const DeviceId to = program_.workers()[index_of(channel.to)].device;
  const Link& link = cluster_.links[cluster_.link_between(from, to)];
  std::uint32_t shared = 0;
  if (from == to && cluster_.device(from).shares_cores) {
    shared = cores_of(from, prices);
  } else {
    const auto ends = link.full_duplex || from < to ? std::pair(from, to) : std::pair(to, from);
    shared =
        resource(fmt::format("link {} {}-{}", link.name, index_of(ends.first), index_of(ends.second)), 1, {}, prices);
  }
  const Picoseconds latency = to_picoseconds(link.latency);
  const Picoseconds busy = link.busy_latency > link.latency ? to_picoseconds(link.busy_latency) : latency;
  prices.channels.push_back({latency, busy, to_picoseconds(channel.bytes / link.bandwidth), shared});
}

}  // namespace

std::string step_key(const Program& program, WorkId work) {
  const StepWork& row = program.works()[index_of(work)];
  return fmt::format("{} {}", program.workers()[index_of(row.worker)].name, name_of(row.kind));
}

std::string plain_signature(PlainWork kind, std::int64_t elements, const Optimizer& optimizer) {
  static constexpr std::string_view kNames[] = {"zero", "add", "update"};
  const std::string_view name = kNames[static_cast<std::size_t>(kind)];
  if (kind != PlainWork::update) return fmt::format("{} {}", name, elements);
  return fmt::format("{} {} {}", name, optimizer.kind == OptimizerKind::adam ? "adam" : "sgd", elements);
}

Prices price(const Program& program, const Model& model, const Cluster& cluster, const CostModel& costs,
             const Optimizer& optimizer) {
  Pricing pricing(program, model, cluster, costs, optimizer);
  Prices prices;
  for (std::uint32_t i = 0; i < program.works().size(); ++i)
    prices.works.push_back(pricing.work(static_cast<WorkId>(i)));
  for (const Worker& worker : program.workers()) pricing.add_worker(worker, prices);
  for (const Channel& channel : program.channels()) pricing.add_channel(channel, prices);
  for (std::uint32_t i = 0; i < cluster.device_count(); ++i) {
    const Device& device = cluster.device(static_cast<DeviceId>(i));
    const bool known = device.power_peak.value > 0;
    prices.power.push_back(known ? std::optional(DevicePower{device.power_idle, device.power_peak}) : std::nullopt);
  }
  return prices;
}

}  // namespace tandem
