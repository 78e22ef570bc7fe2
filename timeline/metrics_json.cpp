#include "timeline/metrics_json.hpp"

#include <nlohmann/json.hpp>

namespace tandem {

nlohmann::ordered_json peak_json(const MemoryPeak& peak) {
  nlohmann::ordered_json json{{"total", peak.total.count}};
  for (std::size_t i = 0; i < kBufferClasses; ++i)
    json[std::string(name_of(static_cast<BufferClass>(i)))] = peak.by_class[i].count;
  return json;
}

namespace {

using Json = nlohmann::ordered_json;

/// Divided, not multiplied by 1e-12, so that round times print as round numbers.
double seconds(Picoseconds time) { return static_cast<double>(time.count) / 1e12; }

template <class Value>
Json or_null(const std::optional<Value>& value) {
  return value ? Json(*value) : Json(nullptr);
}

const std::string& name_of(const Program& program, WorkerId worker) { return program.workers()[index_of(worker)].name; }

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

Json collectives_json(const Program& program, const Traffic& traffic) {
  Json json = Json::array();
  for (std::size_t i = 0; i < traffic.collectives.size(); ++i) {
    const CollectiveSpec& spec = program.collective_specs()[i];
    json.push_back({{"name", spec.name},
                    {"algorithm", spec.algorithm->name},
                    {"members", spec.members.size()},
                    {"first_member", name_of(program, spec.members.front())},
                    {"vector_bytes", spec.shape.bytes({0, spec.shape.elements()}).count},
                    {"collectives", traffic.collectives[i].collectives},
                    {"sent_bytes", traffic.collectives[i].bytes.count}});
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

Json steady_json(const std::optional<SteadyState>& state) {
  if (!state) return nullptr;
  const auto each = state->time_per_micro_batch();
  return {{"warm_up_s", seconds(state->warm_up)},
          {"steady_s", seconds(state->steady)},
          {"drain_s", seconds(state->drain)},
          {"micro_batches", state->micro_batches},
          {"time_per_micro_batch_s", each ? Json(seconds(*each)) : Json(nullptr)},
          {"bubble", each ? Json(state->bubble) : Json(nullptr)}};
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
          {"own_bubble", metrics.own_bubble},
          {"steady_state", steady_json(metrics.steady)},
          {"imbalance", {{"compute", metrics.compute_imbalance}, {"memory", metrics.memory_imbalance}}},
          {"workers", std::move(workers)},
          {"channels", channels_json(program, metrics.traffic)},
          {"collectives", collectives_json(program, metrics.traffic)},
          {"pairs", pairs_json(program, metrics.traffic)},
          {"critical_path", critical_path_json(metrics.critical_path)}};
}

}  // namespace tandem
