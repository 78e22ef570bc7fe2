#include <nlohmann/json.hpp>

#include "timeline/metrics_json.hpp"

namespace tandem {
namespace {

using Json = nlohmann::ordered_json;

const std::string& name_of(const Program& program, WorkerId worker) { return program.workers()[index_of(worker)].name; }

template <class Value>
Json or_null(const std::optional<Value>& value) {
  return value ? Json(*value) : Json(nullptr);
}

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
          {"iterations", iteration.iterations}};
}

Json bubble_json(const std::vector<BubbleComparison>& bubble, double BubbleComparison::*predicted,
                 double BubbleComparison::*measured) {
  Json json{{"predicted", Json::array()}, {"measured", Json::array()}};
  for (const BubbleComparison& worker : bubble) {
    json["predicted"].push_back(worker.*predicted);
    json["measured"].push_back(worker.*measured);
  }
  return json;
}

Json figures_json(const SteadyFigures& figures) {
  return {{"warm_up_s", figures.warm_up.value},
          {"drain_s", figures.drain.value},
          {"time_per_micro_batch_s", figures.per_micro_batch ? Json(figures.per_micro_batch->value) : Json(nullptr)},
          {"bubble", figures.bubble}};
}

Json steady_json(const std::optional<SteadyComparison>& steady) {
  if (!steady) return nullptr;
  return {{"predicted", figures_json(steady->predicted)}, {"measured", figures_json(steady->measured)}};
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
          {"bubble", bubble_json(comparison.bubble, &BubbleComparison::predicted, &BubbleComparison::measured)},
          {"own_bubble",
           bubble_json(comparison.bubble, &BubbleComparison::own_predicted, &BubbleComparison::own_measured)},
          {"steady_state", steady_json(comparison.steady)},
          {"steps", errors_json(comparison.steps)},
          {"messages", errors_json(comparison.messages)},
          {"cpu", cpu_json(comparison)},
          {"works", works_json(program, comparison.works)}};
}

}  // namespace tandem
