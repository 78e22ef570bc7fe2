#include "timeline/metrics_json.hpp"

#include <nlohmann/json.hpp>

namespace tandem {
namespace {

using Json = nlohmann::ordered_json;

double seconds(Picoseconds time) { return to_seconds(time).value; }

template <class Value>
Json or_null(const std::optional<Value>& value) {
  return value ? Json(*value) : Json(nullptr);
}

const std::string& name_of(const Program& program, WorkerId worker) { return program.workers()[index_of(worker)].name; }

Json peak_json(const MemoryPeak& peak) {
  Json json{{"total", peak.total.count}};
  for (std::size_t i = 0; i < kBufferClasses; ++i)
    json[std::string(name_of(static_cast<BufferClass>(i)))] = peak.by_class[i].count;
  return json;
}

Json worker_json(const Worker& worker, const WorkerMetrics& metrics) {
  Json causes = Json::object();
  for (std::size_t i = 0; i < kIdleCauses; ++i)
    causes[std::string(name_of(static_cast<IdleCause>(i))) + "_s"] = seconds(metrics.idle_by_cause[i]);
  return {{"name", worker.name},
          {"busy_s", seconds(metrics.busy)},
          {"idle_s", seconds(metrics.idle)},
          {"bubble", metrics.bubble},
          {"own_bubble", metrics.own_bubble},
          {"exposed_communication_s", seconds(metrics.exposed_communication)},
          {"other_idle_s", seconds(metrics.other_idle)},
          {"idle", std::move(causes)},
          {"peak_bytes", peak_json(metrics.peak)}};
}

Json channels_json(const Program& program, const Traffic& traffic) {
  Json json = Json::array();
  for (std::size_t i = 0; i < traffic.channels.size(); ++i) {
    const Channel& channel = program.channels()[i];
    json.push_back({{"from", name_of(program, channel.from)},
                    {"to", name_of(program, channel.to)},
                    {"message_bytes", channel.bytes.count},
                    {"messages", traffic.channels[i].messages},
                    {"bytes", traffic.channels[i].bytes.count}});
  }
  return json;
}

Json pairs_json(const Program& program, const Traffic& traffic) {
  Json json = Json::array();
  for (const PairTraffic& pair : traffic.pairs)
    json.push_back({{"from", name_of(program, pair.from)},
                    {"to", name_of(program, pair.to)},
                    {"sent_bytes", pair.sent.count},
                    {"received_bytes", pair.received.count}});
  return json;
}

Json critical_path_json(const CriticalPath& path) {
  return {{"steps", path.steps.size()},
          {"compute_s", seconds(path.compute)},
          {"transfer_s", seconds(path.transfer)},
          {"waiting_s", seconds(path.waiting)}};
}

}  // namespace

nlohmann::ordered_json metrics_json(const Program& program, const Metrics& metrics) {
  Json workers = Json::array();
  for (std::size_t i = 0; i < metrics.workers.size(); ++i)
    workers.push_back(worker_json(program.workers()[i], metrics.workers[i]));
  return {{"iteration_s", seconds(metrics.iteration)},
          {"samples_per_s", or_null(metrics.samples_per_second)},
          {"tokens_per_s", or_null(metrics.tokens_per_second)},
          {"model_flop_utilisation", or_null(metrics.model_flop_utilisation)},
          {"energy_j", metrics.energy ? Json(metrics.energy->value) : Json(nullptr)},
          {"bubble", metrics.bubble},
          {"imbalance", {{"compute", metrics.compute_imbalance}, {"memory", metrics.memory_imbalance}}},
          {"workers", std::move(workers)},
          {"channels", channels_json(program, metrics.traffic)},
          {"pairs", pairs_json(program, metrics.traffic)},
          {"critical_path", critical_path_json(metrics.critical_path)}};
}

namespace {

Json memory_json(const Program& program, const MemoryComparison& memory) {
  Json workers = Json::array();
  for (std::size_t i = 0; i < memory.workers.size(); ++i)
    workers.push_back({{"name", program.workers()[i].name},
                       {"identical", memory.workers[i].identical},
                       {"predicted_bytes", peak_json(memory.workers[i].predicted)},
                       {"measured_bytes", peak_json(memory.workers[i].measured)}});
  return {{"identical", memory.identical}, {"workers", std::move(workers)}};
}

Json iteration_json(const IterationComparison& iteration) {
  return {{"predicted_s", iteration.predicted.value},
          {"measured_s", iteration.measured.median},
          {"error", iteration.error},
          {"measured_p10_s", iteration.measured.p10},
          {"measured_p90_s", iteration.measured.p90},
          {"runs", iteration.runs}};
}

Json bubble_json(const std::vector<BubbleComparison>& bubble) {
  Json predicted = Json::array(), measured = Json::array();
  for (const BubbleComparison& worker : bubble) {
    predicted.push_back(worker.predicted);
    measured.push_back(worker.measured);
  }
  return {{"predicted", std::move(predicted)}, {"measured", std::move(measured)}};
}

Json errors_json(const StepErrors& errors) {
  return {{"count", errors.count}, {"median_error", errors.median}, {"p95_error", errors.p95}, {"bias", errors.bias}};
}

Json cpu_json(const Comparison& comparison) {
  if (!comparison.cpu) return nullptr;
  Json json = errors_json(*comparison.cpu);
  json["share_of_wall_time"] = or_null(comparison.cpu_share);
  return json;
}

Json works_json(const Program& program, const std::vector<WorkTimes>& works) {
  Json json = Json::array();
  for (std::size_t i = 0; i < works.size(); ++i) {
    const StepWork& work = program.works()[i];
    json.push_back({{"worker", name_of(program, work.worker)},
                    {"kind", std::string(name_of(work.kind))},
                    {"steps", works[i].steps},
                    {"predicted_s", works[i].predicted.value},
                    {"measured_s", works[i].measured.value},
                    {"cpu_s", works[i].cpu ? Json(works[i].cpu->value) : Json(nullptr)}});
  }
  return json;
}

}  // namespace

nlohmann::ordered_json comparison_json(const Program& program, const Comparison& comparison) {
  Json order{{"identical", comparison.order.identical}};
  if (!comparison.order.identical) order["difference"] = comparison.order.difference;
  Json edges{{"violated", comparison.edges.violated}};
  if (comparison.edges.violated > 0) edges["first"] = comparison.edges.first;
  return {{"order", std::move(order)},
          {"edges", std::move(edges)},
          {"memory", memory_json(program, comparison.memory)},
          {"iteration", iteration_json(comparison.iteration)},
          {"bubble", bubble_json(comparison.bubble)},
          {"steps", errors_json(comparison.steps)},
          {"messages", errors_json(comparison.messages)},
          {"cpu", cpu_json(comparison)},
          {"works", works_json(program, comparison.works)}};
}

}  // namespace tandem
