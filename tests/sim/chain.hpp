#pragma once
// The plainest model that a plan can split: a chain of equal layers, lowered with one layer on each stage.

#include <string>
#include <vector>

#include "plan/lower.hpp"
#include "plan/prices.hpp"

namespace tandem::test {

inline Model chain_model(std::uint32_t length) {
  std::vector<LayerDefinition> layers{{.name = "x", .kind = "values", .attributes = {{"features", 16}}},
                                      {.name = "targets", .kind = "target_values", .attributes = {{"features", 16}}}};
  std::string last = "x";
  for (std::uint32_t i = 0; i < length; ++i) {
    const std::string name = "layer" + std::to_string(i);
    layers.push_back({.name = name, .kind = "linear", .attributes = {{"features", 16}}, .inputs = {last}});
    last = name;
  }
  layers.push_back({.name = "loss", .kind = "mean_squared_error", .inputs = {last, "targets"}});
  return Model("chain", layers);
}

inline Program lower_chain(const std::string& schedule, std::uint32_t stages, std::uint32_t micro_batches) {
  const Model model = chain_model(stages);
  std::vector<std::size_t> cuts;
  for (std::size_t i = 0; i < model.layer_count(); ++i) {
    const std::string& name = model.layers()[i].name;
    if (name.starts_with("layer") && name != "layer0") cuts.push_back(i);
  }
  std::vector<DeviceId> devices;
  for (std::uint32_t i = 0; i < stages; ++i) devices.push_back(static_cast<DeviceId>(i));
  Plan plan;
  plan.schedule = schedule;
  plan.pipeline = stages;
  plan.micro_batches = micro_batches;
  plan.micro_batch_size = 1;
  return lower(plan, model, cuts, devices);
}

/// Times in picoseconds. `spread` is added per stage; with a transfer each channel has a link of its own.
struct ChainTimes {
  std::int64_t forward, backward;
  std::int64_t latency = 0, transfer = 0;
  std::int64_t spread = 0;
};

/// Exclusive devices; steps other than forward and backward take no time.
inline Prices price_chain(const Program& program, const ChainTimes& times) {
  Prices prices;
  for (const StepWork& work : program.works()) {
    const std::int64_t more = times.spread * index_of(work.worker);
    const bool forward = work.kind == StepKind::forward, backward = work.kind == StepKind::backward;
    const std::int64_t time = forward ? times.forward + more : backward ? times.backward + more : 0;
    prices.works.push_back({{time}, CostSource::roofline});
  }
  for (std::uint32_t i = 0; i < program.channels().size(); ++i) {
    const double rate = static_cast<double>(program.channels()[i].bytes.count) * 1e12 /
                        static_cast<double>(std::max<std::int64_t>(1, times.transfer));
    prices.routes.push_back({{times.latency}, rate, kExclusive, i, times.transfer > 0 ? 1u : 0u});
    prices.route_links.push_back(i);
    prices.link_bytes_per_second.push_back(rate);
    prices.channels.push_back({i, {times.transfer}});
  }
  prices.worker_resource.assign(program.workers().size(), kExclusive);
  prices.worker_forbids_overlap.assign(program.workers().size(), false);
  return prices;
}

}  // namespace tandem::test
