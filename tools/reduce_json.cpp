#include <nlohmann/json.hpp>

#include "exec/bound_threads.hpp"
#include "tools/reduce_text.hpp"

namespace tandem {
namespace {

using Json = nlohmann::ordered_json;

Json spread_json(const Spread& spread) {
  return {{"median", spread.median}, {"least", spread.least}, {"most", spread.most}};
}

Json costs_json(const SharingCosts& costs) {
  return {{"term_s", costs.term.value},
          {"plain_update_s", costs.plain_update.value},
          {"atomic_update_s", costs.atomic_update.value},
          {"locked_update_s", costs.locked_update.value},
          {"line_transfer_s", costs.line_transfer.value},
          {"futex_refused_s", costs.futex_refused.value},
          {"futex_wake_s", costs.futex_wake.value},
          {"wake_latency_s", costs.wake_latency.value},
          {"thread_start_s", costs.thread_start.value}};
}

Json row_json(const ReduceRow& row, const ReduceRow& serial) {
  return {{"accumulate", row.way->name},
          {"meaning", row.way->meaning},
          {"model", row.way->model},
          {"predicted_s", row.predicted.value},
          {"measured_s", spread_json(row.measured_s)},
          {"error", row.error()},
          {"speed_up",
           {{"predicted", serial.predicted / row.predicted},
            {"measured", serial.measured_s.median / row.measured_s.median}}},
          {"lost_updates", spread_json(row.lost_updates)},
          {"relative_error_of_sum", row.relative_error},
          {"same_bits", row.same_bits}};
}

}  // namespace

Json reduce_json(const ReduceResult& result, const ReduceOptions& options) {
  Json rows = Json::array();
  for (const ReduceRow& row : result.rows) rows.push_back(row_json(row, result.rows.front()));
  return {{"terms", options.terms},
          {"features", options.features},
          {"threads", options.threads},
          {"cores", result.cores},
          {"rounds", options.rounds},
          {"seed", options.seed},
          {"reference_sum", result.reference},
          {"costs", costs_json(result.costs)},
          {"ways", rows},
          {"others_share", result.others.others + result.others.stolen}};
}

Json monte_carlo_json(const std::vector<MonteCarloRow>& rows, const MonteCarloOptions& options) {
  Json sources = Json::array();
  for (const MonteCarloRow& row : rows) {
    Json runs = Json::array();
    for (const MonteCarloRun& run : row.runs)
      runs.push_back({{"workers", run.workers},
                      {"pi", run.pi},
                      {"same_bits", run.same_bits},
                      {"predicted_s", run.predicted.value},
                      {"measured_s", spread_json(run.measured_s)}});
    sources.push_back({{"generator", row.source->name},
                       {"meaning", row.source->meaning},
                       {"same_result_for_all_workers", row.same_result()},
                       {"runs", runs}});
  }
  return {{"darts", options.darts},
          {"rounds", options.rounds},
          {"cores", usable_cores()},
          {"seed", options.seed},
          {"generators", sources}};
}

}  // namespace tandem
